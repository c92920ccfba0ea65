import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { dangers } from '../src/test/dangers.ts';
import { payloads } from '../src/test/payloads.ts';
import { start, type System } from './system.ts';

let system: System;

beforeAll(async () => {
  system = await start();
});
afterAll(() => system.stop());
afterEach(async () => {
  await Promise.all(system.browser.contexts().map((context) => context.close()));
  expect(system.troubles.splice(0)).toEqual([]);
});

test('a post is in a second browser within a second, without a reload', async () => {
  const [ann, bob] = [await system.visit('/'), await system.visit('/')];
  await bob.getByText('Live', { exact: true }).waitFor();
  await ann.getByRole('button', { name: 'Write a post…' }).click();
  await ann.getByLabel('Title').fill('Seen elsewhere');
  await ann.getByLabel('Text').fill('with **Markdown**');
  await ann.getByRole('button', { name: 'Post', exact: true }).click();
  await ann.getByText('Your post is out.').waitFor();
  await bob.getByRole('link', { name: 'Seen elsewhere', exact: true }).waitFor({ timeout: 1_000 });
  expect(await bob.locator('strong').first().textContent()).toBe('Markdown');
});

test('a comment is pending to its author, then approved for all, live; a banned one is its author’s alone', async () => {
  const { id } = await system.post({ title: 'To comment on' });
  const [ann, bob] = [await system.visit(`/posts/${id}`), await system.visit(`/posts/${id}`)];
  await bob.getByText('Live', { exact: true }).waitFor();
  await ann.getByLabel('Comment', { exact: true }).fill('kind words');
  await ann.getByRole('button', { name: 'Comment', exact: true }).click();
  await ann.getByText('kind words').waitFor();
  await bob.getByText('kind words').waitFor({ timeout: 5_000 });
  await ann.getByLabel('Comment', { exact: true }).fill('words of racism');
  await ann.getByRole('button', { name: 'Comment', exact: true }).click();
  await ann.getByText('Rejected').waitFor();
  await ann.getByText('contains a banned word').waitFor();
  await ann.getByText('Please keep it civil.').waitFor();
  await bob.reload();
  await bob.getByText('kind words').waitFor();
  expect(await bob.getByText('racism').count()).toBe(0);
});

test('a held comment is approved with the keyboard, and appears', async () => {
  const { id } = await system.post({ title: 'With links' });
  const reader = await system.visit(`/posts/${id}`);
  await reader.getByText('Live', { exact: true }).waitFor();
  await system.comment(id, 'see https://other.example/');
  const moderator = await system.visit('/moderation');
  await moderator.getByText('see https://other.example/').waitFor();
  await moderator.keyboard.press('j');
  await moderator.keyboard.press('a');
  await moderator.getByText('Nothing is waiting').waitFor();
  await reader.getByText('see https://other.example/').waitFor({ timeout: 5_000 });
});

test('edit, delete, undo', async () => {
  await system.post({ title: 'Stays' });
  const page = await system.visit('/');
  await page.getByRole('button', { name: 'Write a post…' }).click();
  await page.getByLabel('Title').fill('A first try');
  await page.getByRole('button', { name: 'Post', exact: true }).click();
  await page.getByRole('link', { name: 'A first try', exact: true }).click();
  await page.getByRole('button', { name: 'Edit: A first try' }).click();
  await page.getByLabel('Title').fill('A better try');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: 'A better try' }).waitFor();
  await page.getByRole('button', { name: 'Delete: A better try' }).click();
  await page.getByText('Post deleted.').waitFor();
  expect(await page.getByRole('link', { name: 'A better try', exact: true }).count()).toBe(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'A better try', exact: true }).click();
  await page.getByRole('button', { name: 'Delete: A better try' }).click();
  const gone = page.waitForResponse((response) => response.request().method() === 'DELETE', { timeout: 15_000 });
  expect((await gone).status()).toBe(204);
  const other = await system.visit('/');
  await other.getByRole('article').first().waitFor();
  expect(await other.getByText('A better try').count()).toBe(0);
});

test('a draft survives a reload', async () => {
  const page = await system.visit('/');
  await page.getByRole('button', { name: 'Write a post…' }).click();
  await page.getByLabel('Text').fill('not yet sent');
  await page.reload();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'not yet sent');
});

test('a first visit stays within its budget', async () => {
  const page = await (await system.browser.newContext()).newPage();
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  let [bytes, requests] = [0, 0];
  client.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  client.on('Network.requestWillBeSent', () => requests++);
  await page.goto(system.url);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('article').first().waitFor();
  const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
  expect(loaded.filter((name) => name.includes('Moderation'))).toEqual([]);
  expect(requests).toBeGreaterThan(3);
  expect(requests).toBeLessThanOrEqual(25);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThanOrEqual(250 * 1024);
});

test('no payload runs, wherever it stands', { timeout: 180_000 }, async () => {
  for (const payload of payloads) {
    await system.post({ title: payload.replace(/\s+/g, ' '), body: payload, author: payload.replace(/\s+/g, ' ').slice(0, 80) });
  }
  const last = await system.post({ title: 'with comments' });
  for (const payload of payloads) await system.comment(last.id, payload, payload.replace(/\s+/g, ' ').slice(0, 80));
  const page = await system.visit('/');
  await page.getByRole('article').first().waitFor();
  const seen = new Set<string>();
  const atEnd = async () =>
    (await page.getByText('That was everything.').isVisible()) &&
    (await page.evaluate(() => window.scrollY + window.innerHeight >= document.body.scrollHeight - 2));
  for (let i = 0; i < 250 && !(await atEnd()); i++) {
    expect(await page.locator('#root').evaluate(dangers)).toEqual([]);
    for (const title of await page.locator('article h2').allTextContents()) seen.add(title);
    await page.mouse.wheel(0, 900);
    await page.waitForTimeout(60);
  }
  for (const payload of payloads) expect(seen).toContain(payload.replace(/\s+/g, ' '));
  const post = await system.visit(`/posts/${last.id}`);
  await post.getByRole('listitem').first().waitFor();
  expect(await post.locator('#root').evaluate(dangers)).toEqual([]);
});

test('of 500 posts, scrolled through, only those near are in the page', { timeout: 180_000 }, async () => {
  for (let i = 0; i < 500; i += 25) {
    await Promise.all(Array.from({ length: 25 }, (_, j) => system.post({ title: `Number ${i + j}`, body: 'A line.\n\nAnother.' })));
  }
  const page = await system.visit('/');
  await page.getByRole('article').first().waitFor();
  let [most, posts] = [0, 0];
  for (let i = 0; i < 400 && posts < 500; i++) {
    await page.evaluate(() => { window.scrollTo(0, document.body.scrollHeight); });
    await page.waitForTimeout(50);
    const [nodes, size] = await page.evaluate(() => [
      document.querySelectorAll('*').length,
      Number(document.querySelector('[aria-setsize]')?.getAttribute('aria-setsize')),
    ] as const);
    most = Math.max(most, nodes);
    posts = size;
  }
  expect(posts).toBeGreaterThanOrEqual(500);
  expect(most).toBeLessThan(1_200);

  // What arrives meanwhile moves nothing, and waits.
  const top = () => page.locator('article h2').first().boundingBox();
  const there = await top();
  await system.post({ title: 'Arrives later' });
  await page.getByRole('button', { name: '1 new post' }).waitFor();
  expect(await top()).toEqual(there);
  await page.getByRole('button', { name: '1 new post' }).click();
  await page.getByRole('link', { name: 'Arrives later', exact: true }).waitFor();

  await page.evaluate(() => { window.scrollTo(0, 20_000); });
  await page.waitForTimeout(300);
  // Who reads an old post and goes back is where they were.
  const before = await page.evaluate(() => window.scrollY);
  await page.locator('article h2 a').last().click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.goBack();
  await page.getByRole('article').first().waitFor();
  await page.waitForFunction((y) => Math.abs(window.scrollY - y) < 400, before);
});
