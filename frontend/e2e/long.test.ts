import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { start, type System } from './system.ts';

const many = 500;

let system: System;

beforeAll(async () => {
  system = await start();
  for (let i = 0; i < many; i += 25) {
    const body = 'A line.\n\nAnother.\n\n'.repeat(1 + ((i / 25) % 3)); // not all are as high as guessed
    await Promise.all(Array.from({ length: 25 }, (_, j) => system.post({ title: `Number ${i + j}`, body })));
  }
});
afterAll(() => system.stop());
afterEach(async () => {
  await Promise.all(system.browser.contexts().map((context) => context.close()));
  expect(system.troubles.splice(0)).toEqual([]);
});

const counted = (page: Page) =>
  page.evaluate(() => ({
    nodes: document.querySelectorAll('*').length,
    posts: Number(document.querySelector('[aria-setsize]')?.getAttribute('aria-setsize')),
  }));

/** Loads the feed to its end, and says how many nodes the page had at most. */
async function toTheEnd(page: Page): Promise<number> {
  await page.getByRole('article').first().waitFor();
  let most = 0;
  for (let i = 0; i < 600; i++) {
    await page.evaluate(() => {
      window.scrollTo(0, document.body.scrollHeight);
    });
    await page.waitForTimeout(50);
    const { nodes, posts } = await counted(page);
    most = Math.max(most, nodes);
    if (posts >= many && (await page.getByText('That was everything.').isVisible())) return most;
  }
  throw new Error('the feed does not end');
}

/** The title that stands highest in the window, and where. */
const highest = (page: Page) =>
  page.evaluate(() => {
    for (const link of document.querySelectorAll('article h2 a')) {
      const { top } = link.getBoundingClientRect();
      if (top > 80) return { title: link.textContent, top: Math.round(top) };
    }
    throw new Error('no title is to be seen');
  });

/** Until nothing moves any more. */
async function still(page: Page) {
  let [before, same] = ['', 0];
  for (let i = 0; i < 100 && same < 3; i++) {
    const now = JSON.stringify(await highest(page));
    same = now === before ? same + 1 : 0;
    before = now;
    await page.waitForTimeout(100);
  }
  return highest(page);
}

test('of 500 posts, scrolled through, only those near are in the page', async () => {
  const page = await system.visit('/');
  const most = await toTheEnd(page);
  expect(most).toBeGreaterThan(100);
  expect(most).toBeLessThan(1_200);
  expect((await counted(page)).posts).toBe(many);
});

test('what arrives deep in the feed moves nothing, and is to be seen when it is asked for', async () => {
  const page = await system.visit('/');
  await toTheEnd(page);
  const there = await still(page);
  await system.post({ title: 'Arrives later' });
  await page.getByRole('button', { name: '1 new post' }).waitFor();
  expect(await still(page)).toEqual(there);
  await page.getByRole('button', { name: '1 new post' }).click();
  await page.waitForFunction(() => window.scrollY === 0);
  expect((await still(page)).title).toBe('Arrives later');
  expect(await page.getByRole('button', { name: /new post/ }).count()).toBe(0);
  // Going on with Tab is going on from the first of them.
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.closest('li')?.getAttribute('aria-posinset'))).toBe('1');
});

test.each([20_000, 60_000])('who reads a post at %i px and goes back is where they were', async (y) => {
  const page = await system.visit('/');
  await toTheEnd(page);
  await page.evaluate((to) => {
    window.scrollTo(0, to);
  }, y);
  const before = await still(page);
  await page.getByRole('link', { name: before.title, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: before.title }).waitFor();
  expect(await page.evaluate(() => window.scrollY)).toBe(0);
  await page.goBack();
  await page.getByRole('article').first().waitFor();
  const after = await still(page);
  expect(after.title).toBe(before.title);
  expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(2);
});

test('who goes back after posts have come in is where they were, and so they are when all is read anew', async () => {
  const page = await system.visit('/');
  await page.getByText('Live', { exact: true }).waitFor();
  for (let i = 0; i < 8; i++) {
    await page.evaluate(() => {
      window.scrollBy(0, 2_000);
    });
    await page.waitForTimeout(200);
  }
  const before = await still(page);
  await page.getByRole('link', { name: before.title, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: before.title }).waitFor();
  for (let i = 0; i < 30; i++) await system.post({ title: `Came in ${i}` });
  await page.goBack();
  await page.getByRole('button', { name: '30 new posts' }).waitFor();
  const after = await still(page);
  expect(after.title).toBe(before.title);
  expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(2);
  const anew = page.waitForResponse((response) => response.url().includes('/api/query/posts?limit='));
  await page.evaluate(() => {
    let hidden = true;
    Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange'));
    setTimeout(() => {
      hidden = false;
      document.dispatchEvent(new Event('visibilitychange'));
    }, 6_000);
  });
  await anew;
  await page.getByText('Live', { exact: true }).waitFor();
  const read = await still(page);
  expect(read.title).toBe(before.title);
  expect(Math.abs(read.top - before.top)).toBeLessThanOrEqual(2);
});
