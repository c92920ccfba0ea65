import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { heavy } from '../src/test/payloads.ts';
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

test('a moderator takes an approved comment down, and lets it appear again', async () => {
  const { id } = await system.post({ title: 'To be moderated later' });
  const reader = await system.visit(`/posts/${id}`);
  await reader.getByText('Live', { exact: true }).waitFor();
  await system.comment(id, 'approved by the rules');
  await reader.getByText('approved by the rules').waitFor();
  const moderator = await system.visit('/moderation/log');
  await moderator.getByRole('button', { name: 'Reject: approved by the rules' }).focus();
  await moderator.keyboard.press('Enter');
  await moderator.getByLabel('insulting').check();
  await moderator.keyboard.press('Enter');
  await moderator.getByText('Rejected.', { exact: true }).waitFor();
  await reader.getByText('approved by the rules').waitFor({ state: 'detached', timeout: 5_000 });
  await moderator.getByRole('button', { name: 'Approve: approved by the rules' }).click();
  await moderator.getByText('Approved.', { exact: true }).waitFor();
  await reader.getByText('approved by the rules').waitFor({ timeout: 5_000 });
});

interface Judged {
  id: string;
  status: string;
  version: number;
}

/** Waits for the rules to judge all comments of a post, and approves those that they hold. */
async function approveHeld(postId: string) {
  const judged = async () => (await (await fetch(`${system.url}/api/query/posts/${postId}/comments`)).json()) as Judged[];
  await expect.poll(async () => (await judged()).map(({ status }) => status), { timeout: 30_000 }).not.toContain('pending');
  const held = (await judged()).filter(({ status }) => status === 'flagged');
  const decisions = held.map(({ id, version }) => ({ commentId: id, version, status: 'approved' }));
  const body = JSON.stringify({ decisions });
  await fetch(`${system.url}/api/moderator/moderation/decisions`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } });
  await expect.poll(async () => (await judged()).map(({ status }) => status), { timeout: 30_000 }).not.toContain('flagged');
}

test('texts that are too much for Markdown are shown as they were written, and quickly', async () => {
  const { id, editToken } = await system.post({ title: 'Too much', body: heavy.table.slice(0, -1).concat('|\n'.repeat(7_000)) });
  for (const text of Object.values(heavy)) await system.comment(id, text.trim());
  await approveHeld(id); // as the rules hold those with more markup than they can read
  await system.comment(id, `${heavy.quotes.slice(40)} https://other.example/`); // which is held
  const page = await system.visit('/');
  await page.getByRole('link', { name: 'Too much', exact: true }).waitFor();
  await page.goto(`${system.url}/posts/${id}`);
  await page.locator('#comments ol > li').nth(Object.keys(heavy).length - 1).waitFor();
  const [first = ''] = Object.values(heavy);
  expect(await page.locator('#comments ol > li').first().textContent()).toContain(first);
  await page.getByLabel('Comment', { exact: true }).fill(heavy.lists);
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText(heavy.lists.trim()).last().waitFor();
  await page.goto(`${system.url}/moderation`);
  await page.getByRole('button', { name: 'Approve' }).first().waitFor();
  await fetch(`${system.url}/api/posts/posts/${id}`, { method: 'DELETE', headers: { Authorization: `Bearer ${editToken}` } });
});

test('an address of the comments leads to them', async () => {
  const { id } = await system.post({ title: 'A long one', body: 'A line.\n\n'.repeat(200) });
  await system.comment(id, 'far below');
  const page = await system.visit(`/posts/${id}#comments`);
  await page.getByText('far below').waitFor();
  await page.waitForFunction(() => window.scrollY > 1_000);
  expect(await page.getByText('far below').evaluate((text) => text.getBoundingClientRect().top < innerHeight)).toBe(true);
});

test('feed readers find the feeds', async () => {
  const { id } = await system.post({ title: 'To be followed' });
  await system.comment(id, 'in the feed');
  const page = await system.visit(`/posts/${id}`);
  await page.getByText('in the feed').waitFor();
  const addresses = await page.locator('head link[type="application/atom+xml"]').evaluateAll((links) => links.map((link) => (link as HTMLLinkElement).href));
  expect(addresses).toHaveLength(2);
  for (const address of addresses) {
    const answer = await fetch(address);
    expect(answer.headers.get('Content-Type')).toContain('application/atom+xml');
    expect(await answer.text()).toContain('To be followed');
  }
});

test('who types while a deletion fails goes on typing', async () => {
  const { id } = await system.post({ title: 'To type below' });
  const page = await system.visit(`/posts/${id}`);
  await page.getByLabel('Comment', { exact: true }).fill('to be deleted');
  await page.getByRole('button', { name: 'Comment', exact: true }).click();
  await page.route('**/api/comments/comments/*', (route) => (route.request().method() === 'DELETE' ? route.fulfill({ status: 503 }) : route.continue()));
  await page.getByRole('button', { name: 'Delete: your comment' }).click();
  await page.getByLabel('Comment', { exact: true }).focus();
  await page.keyboard.type('typed ');
  await page.getByText('Not deleted yet').waitFor();
  await page.keyboard.type('and typed on');
  expect(await page.getByLabel('Comment', { exact: true }).inputValue()).toBe('typed and typed on');
  await page.getByText('Not deleted yet').waitFor();
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
  await page.getByText('Saved.').waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Edit: A better try');
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

test('the exact time is told to a mouse, to keys and to a finger', async () => {
  const { id } = await system.post({ title: 'Just now' });
  const exact = /^\w+day, \w+ \d+, 20\d\d at \d/;
  const page = await system.visit(`/posts/${id}`);
  const time = page.getByRole('button', { name: 'just now: when exactly?' });
  expect(await time.getAttribute('title')).toMatch(exact);
  await time.focus();
  await page.keyboard.press('Enter');
  await page.getByText(exact).waitFor();
  await page.keyboard.press('Escape');
  await page.getByText(exact).waitFor({ state: 'hidden' });
  expect(await time.evaluate((button) => button === document.activeElement)).toBe(true);
  const phone = await system.visit(`/posts/${id}`, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phone.getByRole('button', { name: 'when exactly?' }).tap();
  await phone.getByText(exact).waitFor();
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

// A browser has six connections to a server, and every stream takes one.
test('of ten tabs each shows the feed, and the one that is looked at is told of changes', async () => {
  await system.post({ title: 'In every tab' });
  const context = await system.browser.newContext();
  // Chromium without a window shows all tabs at once; here, the last one lies above the others.
  await context.addInitScript(() => {
    const tab = new BroadcastChannel('tabs');
    let state: DocumentVisibilityState = 'visible';
    Object.defineProperty(document, 'visibilityState', { get: () => state });
    const show = (next: DocumentVisibilityState) => {
      state = next;
      document.dispatchEvent(new Event('visibilitychange'));
    };
    tab.onmessage = () => {
      show('hidden');
    };
    window.addEventListener('focus', () => {
      show('visible');
      tab.postMessage('');
    });
    tab.postMessage('');
  });
  const tabs: Page[] = [];
  for (let i = 0; i < 10; i++) {
    const tab = await context.newPage();
    tabs.push(tab);
    await tab.goto(system.url);
    await tab.getByRole('link', { name: 'In every tab', exact: true }).waitFor({ timeout: 20_000 });
  }
  const first = tabs[0];
  if (!first) throw new Error('no tab');
  await first.waitForTimeout(6_000);
  await system.post({ title: 'While nobody looked' });
  await first.evaluate(() => window.dispatchEvent(new Event('focus')));
  await first.getByRole('link', { name: 'While nobody looked', exact: true }).waitFor({ timeout: 5_000 });
  await first.getByText('Live', { exact: true }).waitFor();
  await system.post({ title: 'While somebody looked' });
  await first.getByRole('link', { name: 'While somebody looked', exact: true }).waitFor({ timeout: 5_000 });
});
