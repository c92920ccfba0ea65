import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import type { Service } from './services.ts';
import { start, type System } from './system.ts';

let system: System;
let stopped: Service | undefined;

const rules = `rules:
  - name: links
    maxLinks: 0
    then: hold
    reason: has a link
`;

beforeAll(async () => {
  system = await start({ apart: true, rules });
});
afterAll(() => system.stop());
afterEach(async () => {
  if (stopped) await again(stopped);
  await Promise.all(system.browser.contexts().map((context) => context.close()));
  expect(system.troubles.splice(0)).toEqual([]);
});

async function without(service: Service) {
  await system.stopOne(service);
  stopped = service;
}

async function again(service: Service) {
  stopped = undefined;
  await system.startOne(service);
}

const live = (page: Page) => page.getByText('Live', { exact: true }).waitFor({ timeout: 45_000 });
const post = (page: Page) => page.getByRole('button', { name: 'Post', exact: true }).click();
const comment = (page: Page) => page.getByRole('button', { name: 'Comment', exact: true }).click();
const titled = (page: Page, name: string) => page.getByRole('link', { name, exact: true });
const down = (page: Page) => page.getByText('This part of Newsfeed is down').first().waitFor();

async function compose(page: Page, title: string) {
  await page.getByRole('button', { name: 'Write a post…' }).click();
  await page.getByLabel('Title').fill(title);
}

/** The keys of the writes that a page sends from now on. */
function keysOf(page: Page): string[] {
  const keys: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') keys.push(request.headers()['idempotency-key'] ?? 'none');
  });
  return keys;
}

test('query stopped: what is loaded stays readable, one can write, and nothing is missing or twice afterwards', async () => {
  const { id } = await system.post({ title: 'Loaded before', body: 'Its text.' });
  await system.comment(id, 'A loaded comment.');
  const page = await system.visit('/');
  await page.getByText('A loaded comment.').waitFor();
  await live(page);
  await without('query');
  await page.getByText('Reconnecting').waitFor();
  await page.getByText('Its text.').waitFor();

  // A post that was not opened before is readable all the same.
  await titled(page, 'Loaded before').click();
  await page.getByRole('heading', { level: 1, name: 'Loaded before' }).waitFor();
  await down(page);
  await page.getByText('Its text.').waitFor();
  await page.getByText('A loaded comment.').waitFor();
  await page.getByLabel('Comment', { exact: true }).fill('Said meanwhile.');
  await comment(page);
  await page.getByText('Sent. Above you see').waitFor();

  await page.getByRole('link', { name: 'All posts' }).click();
  await compose(page, 'Written meanwhile');
  await post(page);
  await titled(page, 'Written meanwhile').waitFor();
  await titled(page, 'Loaded before').waitFor();
  await system.post({ title: 'By another meanwhile' });

  const late = await system.visit('/');
  await compose(late, 'Typed into a page without a feed');
  await down(late);

  await again('query');
  await live(page);
  await titled(page, 'By another meanwhile').waitFor();
  const seen = (await page.locator('article h2').allTextContents()).slice(0, 3);
  expect(seen).toEqual(['By another meanwhile', 'Written meanwhile', 'Loaded before']);
  await page.getByText('Said meanwhile.').waitFor();
  expect(await page.getByText('Said meanwhile.').count()).toBe(1);
  expect(await page.getByRole('alert').count()).toBe(0);
  // Who came meanwhile need not reload either, and goes on with what they type.
  await titled(late, 'By another meanwhile').waitFor({ timeout: 45_000 });
  expect(await late.getByLabel('Title').inputValue()).toBe('Typed into a page without a feed');
});

test('posts stopped: a post waits with its key, over a reload too, and is there once', async () => {
  await system.post({ title: 'To be read on' });
  const page = await system.visit('/');
  const keys = keysOf(page);
  await without('posts');
  await compose(page, 'Sent again and again');
  await page.getByLabel('Text').fill('Long thought about.');
  await post(page);
  await page.getByText('No answer yet. Trying again…').waitFor();
  await down(page);
  expect(keys.length).toBeGreaterThan(2);
  await titled(page, 'To be read on').waitFor(); // all else goes on
  await live(page);

  await page.reload();
  await page.getByRole('article').first().waitFor();
  expect(await page.getByLabel('Title').inputValue()).toBe('Sent again and again');
  expect(await page.getByLabel('Text').inputValue()).toBe('Long thought about.');
  await post(page);
  await page.getByText('No answer yet. Trying again…').waitFor();
  await again('posts');
  await page.getByText('Your post is out.').waitFor();
  expect(new Set(keys).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
  await page.reload();
  await titled(page, 'Sent again and again').waitFor();
  expect(await titled(page, 'Sent again and again').count()).toBe(1);
});

test('an answer that is lost makes no second post', async () => {
  const page = await system.visit('/');
  const keys = keysOf(page);
  let lost = 0;
  await page.route('**/api/posts/posts', async (route) => {
    if (++lost > 2) return route.continue();
    await route.fetch(); // the service has made it
    return route.abort('connectionreset');
  });
  await compose(page, 'Made once');
  await post(page);
  await page.getByText('Your post is out.').waitFor();
  expect(keys).toHaveLength(3);
  expect(new Set(keys).size).toBe(1);
  await page.reload();
  await titled(page, 'Made once').waitFor();
  expect(await titled(page, 'Made once').count()).toBe(1);
});

test('posts stopped: an edit is not lost, and a deletion comes to pass later', async () => {
  const page = await system.visit('/');
  await compose(page, 'Changes its mind');
  await post(page);
  await titled(page, 'Changes its mind').click();
  await page.getByRole('button', { name: 'Edit: Changes' }).click();
  await without('posts');
  await page.getByLabel('Title').fill('Has changed its mind');
  await page.getByRole('button', { name: 'Save' }).click();
  await down(page);
  await page.reload();
  await page.getByLabel('Title').waitFor();
  expect(await page.getByLabel('Title').inputValue()).toBe('Has changed its mind');
  await again('posts');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { level: 1, name: 'Has changed its mind' }).waitFor();

  await without('posts');
  await page.getByRole('button', { name: 'Delete: Has changed' }).click();
  await page.getByText('Not deleted yet').waitFor();
  const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE' && response.ok());
  await again('posts');
  await deleted;
  const other = await system.visit('/');
  await other.getByRole('article').first().waitFor();
  await expect.poll(async () => {
    await other.reload();
    await other.getByRole('article').first().waitFor();
    return titled(other, 'Has changed its mind').count();
  }).toBe(0);
});

test('comments stopped: a comment waits with its key, over a reload too, and is there once', async () => {
  const { id } = await system.post({ title: 'To be commented on', body: 'Still readable.' });
  const page = await system.visit(`/posts/${id}`);
  const keys = keysOf(page);
  await page.getByText('Still readable.').waitFor();
  await without('comments');
  await page.getByLabel('Comment', { exact: true }).fill('Worth waiting for.');
  await page.getByLabel('Name').fill('Ann');
  await comment(page);
  await down(page);
  await page.reload();
  await page.getByText('Still readable.').waitFor();
  expect(await page.getByLabel('Comment', { exact: true }).inputValue()).toBe('Worth waiting for.');
  expect(await page.getByLabel('Name').inputValue()).toBe('Ann');
  await comment(page);
  await page.getByText('No answer yet. Trying again…').waitFor();
  await again('comments');
  await page.getByText('Sent. Above you see').waitFor();
  expect(new Set(keys).size).toBe(1);
  const other = await system.visit(`/posts/${id}`);
  await other.getByText('Worth waiting for.').waitFor();
  expect(await other.getByText('Worth waiting for.').count()).toBe(1);
});

test('moderator stopped: a comment waits for its author’s eyes only, and is approved later, live', async () => {
  const { id } = await system.post({ title: 'To be judged' });
  const [ann, bob] = [await system.visit(`/posts/${id}`), await system.visit(`/posts/${id}`)];
  await live(bob);
  await without('moderator');
  await ann.getByLabel('Comment', { exact: true }).fill('Patient words.');
  await comment(ann);
  await ann.getByText('Awaiting moderation', { exact: true }).waitFor();
  await ann.getByText('Patient words.').waitFor();
  await bob.getByText('1 comment is awaiting moderation').waitFor();
  expect(await bob.getByText('Patient words.').count()).toBe(0);
  await ann.reload();
  await ann.getByText('Patient words.').waitFor();
  await again('moderator');
  await bob.getByText('Patient words.').waitFor();
  await ann.getByText('Awaiting moderation', { exact: true }).waitFor({ state: 'detached' });
  await ann.getByText('Patient words.').waitFor();
});

test('moderator stopped: the queue stays readable, and what was typed for a rejection is not lost', async () => {
  const { id } = await system.post({ title: 'To be watched' });
  await system.comment(id, 'Buy at https://other.example/');
  const page = await system.visit('/moderation');
  await page.getByText('Buy at').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('r');
  await page.getByLabel('Note for the author').fill('A note that took a while.');
  await without('moderator');
  await page.getByRole('form', { name: 'Why is it rejected?' }).getByRole('button', { name: 'Reject' }).click();
  await down(page);
  await page.getByText('Buy at').waitFor();
  await page.reload();
  await down(page);
  await again('moderator');
  await page.getByRole('button', { name: 'Try again' }).first().click();
  await page.getByText('Buy at').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('r');
  expect(await page.getByLabel('Note for the author').inputValue()).toBe('A note that took a while.');
  await page.getByRole('form', { name: 'Why is it rejected?' }).getByRole('button', { name: 'Reject' }).click();
  await page.getByText('Nothing is waiting').waitFor();
  await page.getByRole('link', { name: 'Log' }).click();
  await page.getByText('A note that took a while.').waitFor();
});

test('eventbus stopped: the page needs nothing of it', async () => {
  await without('eventbus');
  const [ann, bob] = [await system.visit('/'), await system.visit('/')];
  await live(bob);
  await compose(ann, 'Without a bus');
  await post(ann);
  await titled(bob, 'Without a bus').click();
  await ann.getByRole('link', { name: 'Without a bus', exact: true }).click();
  await ann.getByLabel('Comment', { exact: true }).fill('Heard all the same.');
  await comment(ann);
  await bob.getByText('Heard all the same.').waitFor();
  expect(await bob.getByRole('alert').count()).toBe(0);
});
