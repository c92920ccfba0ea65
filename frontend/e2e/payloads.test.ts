import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { careless } from '../src/test/careless.ts';
import { dangers } from '../src/test/dangers.ts';
import { leaks, scripts } from '../src/test/payloads.ts';
import { start, watch, type System } from './system.ts';

const payloads = [...scripts, ...leaks];

/** A post's title and an author's name are one line. */
const line = (payload: string) => payload.replace(/\s+/g, ' ');

const toHold = ' holdthis';
const toReject = ' rejectthis';

const rules = `rules:
  - name: hold
    words: [${toHold.trim()}]
    then: hold
    reason: to be looked at
  - name: reject
    words: [${toReject.trim()}]
    then: reject
    reason: to be logged
`;

let system: System;

beforeAll(async () => {
  system = await start({ rules });
});
afterAll(() => system.stop());

interface Strike {
  page: Page;
  what: string;
}

/**
 * Opens a context in which what a payload does is noted, and goes nowhere: the call
 * of its script in whatever frame, and every request to another host.
 */
async function observed(): Promise<{ context: BrowserContext; struck: Strike[] }> {
  // The policy would stop most of them by itself: what is looked at is the page alone.
  const context = await system.browser.newContext({ bypassCSP: true });
  const struck: Strike[] = [];
  await context.exposeBinding('alert', ({ page }, what: unknown) => struck.push({ page, what: `ran ${String(what)}` }));
  await context.route(
    (url) => url.host !== new URL(system.url).host,
    (route) => route.abort(),
  );
  context.on('page', (page) => {
    watch(page, system.url, (trouble) => {
      if (/^(dialog|request to http)/.test(trouble)) struck.push({ page, what: trouble });
    });
  });
  return { context, struck };
}

/** Does what a person may do with whatever is in some parts of a page. It is sent to the browser. */
function provoke(selector: string) {
  for (const part of document.querySelectorAll(selector)) {
    for (const element of part.querySelectorAll<HTMLElement>('*')) {
      const link = element.closest('a') ?? element;
      const target = link.getAttribute('href') ?? link.getAttribute('xlink:href');
      if (/^(https?:|mailto:|\/)/i.test(target ?? '')) continue; // leads where it says
      for (const type of ['mouseover', 'mouseenter', 'pointerover', 'beforeinput', 'input'])
        element.dispatchEvent(new Event(type, { bubbles: true }));
      if ('focus' in element) element.focus({ preventScroll: true });
      // By an event, as SVG and MathML have no click().
      element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, view: window }));
    }
  }
}

/** Time for what happens by itself: failing pictures, animations, frames. */
const settle = (page: Page) => page.waitForTimeout(150);

describe('a page that renders raw HTML', () => {
  const fixture = (payload: string) => `<!doctype html><meta charset=utf-8><title>Raw</title>
<main><article><h1>Raw</h1>${payload}</article><article>${careless(payload)}</article></main>`;

  test('is struck by every single payload', { timeout: 600_000 }, async () => {
    const { context, struck } = await observed();
    const strikes = async (payload: string): Promise<boolean> => {
      const page = await context.newPage();
      await page.route('**/raw', (route) => route.fulfill({ contentType: 'text/html', body: fixture(payload) }));
      await page.goto(`${system.url}/raw`, { waitUntil: 'commit' }).catch(() => undefined);
      const noticed = () => struck.some((strike) => strike.page === page);
      for (let i = 0; i < 40 && !noticed(); i++) {
        await page.waitForTimeout(50); // first what happens by itself: a click can lead away from it
        if (!noticed()) await page.evaluate(provoke, 'article').catch(() => undefined);
      }
      await page.close();
      return noticed();
    };
    const unnoticed: string[] = [];
    for (const payload of payloads) {
      // What happens once, such as a frame that loads, can happen before anybody looks: then it is tried again.
      if (!(await strikes(payload)) && !(await strikes(payload)) && !(await strikes(payload))) unnoticed.push(payload);
    }
    await context.close();
    expect(unnoticed).toEqual([]);
  });

  test('with the policy that the page is served with, no script runs all the same', { timeout: 600_000 }, async () => {
    const policy = (await fetch(system.url)).headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    const context = await system.browser.newContext();
    const ran: string[] = [];
    await context.exposeBinding('alert', (_, what: unknown) => ran.push(String(what)));
    for (const payload of scripts) {
      const page = await context.newPage();
      page.on('dialog', (dialog) => {
        ran.push(dialog.message());
        void dialog.dismiss();
      });
      const headers = { 'Content-Security-Policy': policy };
      await page.route('**/raw', (route) => route.fulfill({ contentType: 'text/html', headers, body: fixture(payload) }));
      await page.goto(`${system.url}/raw`, { waitUntil: 'commit' }).catch(() => undefined);
      await page.evaluate(provoke, 'article').catch(() => undefined);
      await settle(page);
      if (ran.length > 0) ran.push(`by ${payload}`);
      await page.close();
    }
    await context.close();
    expect(ran).toEqual([]);
  });
});

test('there are at least 60, and each fits into every field', () => {
  expect(new Set(payloads).size).toBe(payloads.length);
  expect(scripts.length).toBeGreaterThanOrEqual(60);
  expect(payloads.filter((payload) => line(payload).length > 80)).toEqual([]);
});

test('none does anything in a title, a text, a name or a comment', { timeout: 600_000 }, async () => {
  const ids: string[] = [];
  for (const payload of payloads) {
    const { id } = await system.post({ title: line(payload), body: payload, author: line(payload) });
    await system.comment(id, payload, line(payload));
    ids.push(id);
  }
  const { context, struck } = await observed();
  const page = await context.newPage();
  await page.goto(`${system.url}/moderation/rules`); // where the feed is not loaded yet
  await page.getByText('Rules in force').waitFor();
  for (const [i, payload] of payloads.entries()) {
    // As a link within the page would, which is quicker than loading it anew.
    await page.evaluate((path) => {
      history.pushState({}, '', path);
      dispatchEvent(new PopStateEvent('popstate'));
    }, `/posts/${ids[i]}`);
    await page.getByRole('heading', { level: 1, name: line(payload).trim(), exact: true }).waitFor();
    await page.locator('#comments ol > li').first().waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe(line(payload));
    expect(await page.title()).toContain(line(payload).trim());
    await page.evaluate(provoke, 'main article, main li');
    expect(await page.locator('#root').evaluate(dangers)).toEqual([]);
  }
  await page.goto(system.url);
  await page.getByRole('article').first().waitFor();
  const seen = new Set<string>();
  for (let i = 0; i < 400 && seen.size < payloads.length; i++) {
    for (const title of await page.locator('article h2').allTextContents()) seen.add(title);
    await page.evaluate(provoke, 'main li');
    expect(await page.locator('#root').evaluate(dangers)).toEqual([]);
    await page.mouse.wheel(0, 700);
    await page.waitForTimeout(50);
  }
  expect(payloads.map(line).filter((payload) => !seen.has(payload))).toEqual([]);
  await settle(page);
  await context.close();
  expect(struck.map(({ what }) => what)).toEqual([]);
});

test('none does anything in a preview, or after a reload as a draft', { timeout: 600_000 }, async () => {
  const { context, struck } = await observed();
  const page = await context.newPage();
  await page.goto(system.url);
  await page.getByRole('button', { name: 'Write a post…' }).click();
  for (const payload of payloads) {
    await page.getByLabel('Title').fill(line(payload));
    await page.getByLabel('Text', { exact: false }).first().fill(payload);
    await page.getByRole('button', { name: 'Preview' }).click();
    const shown = page.getByRole('region', { name: 'Text, as it will look' });
    await shown.waitFor();
    await shown.evaluate((region) => {
      region.id = 'shown';
    });
    await page.evaluate(provoke, '#shown');
    expect(await shown.evaluate(dangers)).toEqual([]);
    await page.getByRole('button', { name: 'Preview' }).click();
  }
  await page.reload();
  await page.getByLabel('Title').waitFor();
  await settle(page);
  await context.close();
  expect(struck.map(({ what }) => what)).toEqual([]);
});

test('none does anything to a moderator', { timeout: 600_000 }, async () => {
  const { context, struck } = await observed();
  const page = await context.newPage();
  const moderation = `${system.url}/api/moderator/moderation`;
  const batch = 45; // the queue shows fifty
  for (let i = 0; i < payloads.length; i += batch) {
    const some = payloads.slice(i, i + batch);
    const { id } = await system.post({ title: line(some[0] ?? '') });
    const written = await Promise.all(some.map((payload) => system.comment(id, payload + toHold, line(payload))));
    await expect
      .poll(async () => ((await (await fetch(`${moderation}/summary`)).json()) as { held: number }).held, { timeout: 20_000 })
      .toBe(some.length);
    await page.goto(`${system.url}/moderation`);
    await expect.poll(() => page.getByRole('button', { name: 'Approve' }).count(), { timeout: 20_000 }).toBe(some.length);
    // Not the buttons: they decide.
    await page.evaluate(() => {
      for (const button of document.querySelectorAll('main li button')) button.remove();
    });
    await page.evaluate(provoke, 'main li');
    expect(await page.locator('#root').evaluate(dangers)).toEqual([]);
    for (const { id: commentId, version } of written) {
      const body = JSON.stringify({ commentId, version, status: 'rejected', reason: 'seen', note: '' });
      const answer = await fetch(`${moderation}/decisions`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
      expect(answer.ok).toBe(true);
    }
  }
  await page.goto(`${system.url}/moderation/log`);
  const entries = page.locator('main ol > li');
  await entries.first().waitFor();
  const more = page.getByRole('button', { name: 'Show earlier decisions' });
  while ((await more.count()) > 0) {
    const before = await entries.count();
    await more.click();
    await expect.poll(() => entries.count()).toBeGreaterThan(before);
  }
  const logged = (await entries.allTextContents()).join('\n');
  expect(payloads.filter((payload) => !logged.includes(payload.trim() + toHold))).toEqual([]);
  await page.evaluate(provoke, 'main li');
  expect(await page.locator('#root').evaluate(dangers)).toEqual([]);
  await settle(page);
  await context.close();
  expect(struck.map(({ what }) => what)).toEqual([]);
});
