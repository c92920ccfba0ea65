import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';

import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { start, type System } from './system.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Where make screenshots wants pictures of all that is looked at here. */
const folder = process.env.SCREENSHOTS;

const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
  [
    { device: 'small', viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true },
    { device: 'phone', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
    { device: 'desk', viewport: { width: 1280, height: 900 } },
  ].map(({ device, ...size }) => ({ name: `${device}-${colorScheme}`, options: { colorScheme, ...size, bypassCSP: true, reducedMotion: 'reduce' as const } })),
);

let system: System;
let post: string;

/** A post of the person who looks. */
const mine = { id: 'mine', title: 'To be changed', body: '', author: '', createdAt: '2026-01-02T03:04:05Z', version: 1 };

beforeAll(async () => {
  system = await start();
  await system.post({ title: 'A short one', author: 'Lin', body: 'Rain since morning, and the tram is late again.' });
  const long = Array.from({ length: 12 }, (_, i) => `Paragraph ${i + 1} of a text that goes on for a while, so that it is cut short in the feed.`);
  await system.post({ title: 'A long walk along the river, told at some length', author: 'Tomás', body: long.join('\n\n') });
  ({ id: post } = await system.post({
    title: 'What we learned from moving to streams',
    author: 'Ada Okafor',
    body: 'Three things, *in order of pain*:\n\n1. **Replays** find every handler that is not idempotent.\n2. A dead letter is a `todo`, not a grave.\n3. Clocks lie.\n\n> Design for the retry.\n\n| group | lag |\n|---|---|\n| query | 3 |\n\n```go\nfor range events { apply(e) }\n```\n\nMore at https://redis.io/docs.',
  }));
  for (const [content, author] of [
    ['The second point should be on a wall somewhere.', 'Mei'],
    ['How do you test for the **first**? We tried to shuffle a day of events.', 'Jonas'],
    ['See https://other.example/ for the same story.', 'Noor'],
    ['Cheap watches at www.watches.example', ''],
  ] as const)
    await system.comment(post, content, author);
  for (let i = 0; i < 100; i++) {
    const summary = (await (await fetch(`${system.url}/api/moderator/moderation/summary`)).json()) as { held: number };
    if (summary.held === 2) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (folder) mkdirSync(folder, { recursive: true });
});
afterAll(() => system.stop());
afterEach(async () => {
  await Promise.all(system.browser.contexts().map((context) => context.close()));
  expect(system.troubles.splice(0)).toEqual([]);
});

interface Axe {
  run: (options: RunOptions) => Promise<AxeResults>;
}

/** Every page and state: where it is, and what a person does there to see it. */
const states: Record<string, { at: () => string; show: (page: Page) => Promise<unknown> }> = {
  feed: { at: () => '/', show: (page) => page.getByRole('article').nth(1).waitFor() },
  'feed-compose': {
    at: () => '/',
    show: async (page) => {
      await page.getByRole('button', { name: 'Write a post…' }).click();
      await page.getByLabel('Title').fill('Notes from the field');
      await page.getByLabel('Text').fill('Some **bold** words and a list:\n\n- one\n- two');
      await page.getByRole('button', { name: 'Preview' }).click();
    },
  },
  'feed-refused': {
    at: () => '/',
    show: async (page) => {
      await page.getByRole('button', { name: 'Write a post…' }).click();
      await page.getByRole('button', { name: 'Post', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  'feed-empty': {
    at: () => '/moderation/rules',
    show: async (page) => {
      await page.route('**/api/query/posts', (route) => route.fulfill({ json: [] }));
      await page.getByRole('link', { name: 'Newsfeed', exact: true }).click();
      await page.getByText('Nothing here yet').waitFor();
    },
  },
  'feed-down': {
    at: () => '/moderation/rules',
    show: async (page) => {
      await page.route('**/api/query/posts', (route) => route.fulfill({ status: 500, body: '' }));
      await page.getByRole('link', { name: 'Newsfeed', exact: true }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  'feed-loading': {
    at: () => '/moderation/rules',
    show: async (page) => {
      await page.route('**/api/query/posts', () => undefined);
      await page.getByRole('link', { name: 'Newsfeed', exact: true }).click();
      await page.getByText('Loading').first().waitFor({ state: 'attached' });
    },
  },
  'feed-arrived': {
    at: () => '/',
    show: async (page) => {
      await page.getByText('Live', { exact: true }).waitFor();
      await page.evaluate(() => {
        window.scrollTo(0, 120);
      });
      await page.waitForFunction(() => window.scrollY > 80);
      const { id, editToken } = await system.post({ title: 'Only just written' });
      await page.getByRole('button', { name: '1 new post' }).waitFor();
      const headers = { Authorization: `Bearer ${editToken}` };
      page.once('close', () => void fetch(`${system.url}/api/posts/posts/${id}`, { method: 'DELETE', headers }));
    },
  },
  'feed-moment': {
    at: () => '/',
    show: async (page) => {
      await page.getByRole('button', { name: 'when exactly?' }).first().click();
      await page.getByText(/20\d\d at \d/).first().waitFor();
    },
  },
  'post-edit': {
    at: () => '/',
    show: async (page) => {
      await page.getByRole('button', { name: 'Write a post…' }).click();
      await page.getByLabel('Title').fill('To be changed');
      await page.route('**/api/posts/posts', (route) => route.fulfill({ status: 201, json: { ...mine, editToken: 'x' } }));
      await page.route('**/api/query/posts/mine**', (route) => route.fulfill({ json: { ...mine, commentCount: 0, comments: [] } }));
      await page.getByRole('button', { name: 'Post', exact: true }).click();
      await page.getByRole('link', { name: 'To be changed', exact: true }).click();
      await page.getByRole('button', { name: 'Edit: To be changed' }).click();
      await page.getByLabel('Title').fill('');
      const errors = [{ pointer: '/title', detail: 'must not be empty' }];
      const problem = { type: 'urn:newsfeed:problem:invalid', title: 'Invalid', status: 400, errors };
      await page.route('**/api/posts/posts/mine', (route) =>
        route.fulfill({ status: 400, json: problem, contentType: 'application/problem+json' }),
      );
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByText('Title must not be empty').waitFor();
    },
  },
  'post-down': {
    at: () => '/',
    show: async (page) => {
      await page.route('**/api/query/posts/**', (route) => route.fulfill({ status: 500, body: '' }));
      await page.getByRole('link', { name: 'What we learned from moving to streams', exact: true }).click();
      await page.getByRole('alert').nth(1).waitFor();
    },
  },
  post: { at: () => `/posts/${post}`, show: (page) => page.getByText('on a wall somewhere').waitFor() },
  'post-own': {
    at: () => `/posts/${post}`,
    show: async (page) => {
      for (const [words, status] of [
        ['This is racism.', 'Rejected'],
        ['My own is at https://mine.example/', 'Held for a moderator'],
      ] as const) {
        await page.getByLabel('Comment', { exact: true }).fill(words);
        await page.getByRole('button', { name: 'Comment', exact: true }).click();
        await page.getByText(status).waitFor();
      }
      await page.getByRole('button', { name: 'Delete: your comment' }).last().click();
      await page.getByText('Comment deleted.').waitFor();
    },
  },
  'not-found': { at: () => '/posts/none', show: (page) => page.getByText('There is nothing here').waitFor() },
  queue: { at: () => '/moderation', show: (page) => page.getByText('Cheap watches').waitFor() },
  'queue-reject': {
    at: () => '/moderation',
    show: async (page) => {
      await page.getByText('Cheap watches').waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('r');
      await page.getByRole('form', { name: 'Why is it rejected?' }).waitFor();
    },
  },
  'queue-empty': {
    at: () => '/',
    show: async (page) => {
      await page.route('**/moderation/queue?**', (route) => route.fulfill({ json: [] }));
      await page.getByRole('link', { name: 'Moderation' }).click();
      await page.getByText('Nothing is waiting').waitFor();
    },
  },
  'queue-down': {
    at: () => '/',
    show: async (page) => {
      await page.route('**/moderation/queue?**', (route) => route.fulfill({ status: 500, body: '' }));
      await page.getByRole('link', { name: 'Moderation' }).click();
      await page.getByRole('alert').waitFor();
    },
  },
  log: { at: () => '/moderation/log', show: (page) => page.getByText('by the rules').first().waitFor() },
  'log-reject': {
    at: () => '/moderation/log',
    show: async (page) => {
      await page.getByRole('button', { name: /^Reject: The second point/ }).click();
      await page.getByRole('form', { name: 'Why is it rejected?' }).waitFor();
    },
  },
  'post-moderated': {
    at: () => '/moderation',
    show: async (page) => {
      await page.evaluate(() => {
        localStorage.setItem('newsfeed:moderator', '"any"');
      });
      await page.goto(`${system.url}/posts/${post}`);
      await page.getByRole('link', { name: /^Moderate: comment by Mei/ }).waitFor();
    },
  },
  'feed-away': {
    at: () => '/moderation/rules',
    show: async (page) => {
      await page.route('**/posts/stream**', (route) => route.abort());
      await page.goto(system.url);
      await page.locator('[data-status=away]').waitFor();
      await page.getByRole('article').nth(1).waitFor();
    },
  },
  rules: {
    at: () => '/moderation/rules',
    show: async (page) => {
      await page.getByLabel('Text', { exact: true }).fill('Racism!');
      await page.getByRole('button', { name: 'Try it' }).click();
      await page.getByText('Rejected').waitFor();
    },
  },
  'sign-in': {
    at: () => '/',
    show: async (page) => {
      await page.route('**/api/moderator/**', (route) => route.fulfill({ status: 401, body: '' }));
      await page.getByRole('link', { name: 'Moderation' }).click();
      await page.getByLabel('Token').waitFor();
    },
  },
};

describe.each(looks)('$name', ({ name, options }) => {
  test.each(Object.keys(states))('%s has no fault that axe knows, and fits', async (state) => {
    const { at = () => '/', show } = states[state] ?? { show: () => Promise.reject(new Error(state)) };
    const page = await system.visit(at(), options);
    await show(page);
    if (folder) await page.screenshot({ path: `${folder}/${state}-${name}.png` });
    await page.addScriptTag({ path: axe });
    const { violations } = await page.evaluate(() => (window as unknown as { axe: Axe }).axe.run({ rules: { 'target-size': { enabled: true } } }));
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    // Not what the window says of itself: on a phone it grows with what is in it.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(options.viewport.width);
  });
});
