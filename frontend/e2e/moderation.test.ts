import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { start, type System } from './system.ts';

const admin = 'an administrator of this feed';

let system: System;

beforeAll(async () => {
  system = await start({ env: { ADMIN_TOKEN: admin } });
});
afterAll(() => system.stop());
afterEach(async () => {
  await Promise.all(system.browser.contexts().map((context) => context.close()));
  expect(system.troubles.splice(0)).toEqual([]);
});

async function signedIn(path: string) {
  const page = await system.visit('/moderation');
  await page.getByLabel('Token').fill(admin);
  await page.getByLabel('Token').press('Enter');
  await page.getByText('You are admin.').waitFor();
  await page.goto(system.url + path);
  return page;
}

test('one key in the queue blocks the author of a comment, until the block is removed', async () => {
  const { id } = await system.post({ title: 'Often visited' });
  await system.comment(id, 'see https://spam.example/', 'Sam');
  const page = await signedIn('/moderation');
  await page.getByText('see https://spam.example/').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('b');
  await page.getByText('Comments from this author are rejected from now on.').waitFor();
  const next = await system.comment(id, 'a word without a link', 'Sam');
  const reader = await system.visit(`/posts/${id}`);
  await expect.poll(() => statusOf(id, next.id), { timeout: 30_000 }).toBe('rejected');
  expect(await reader.getByText('a word without a link').count()).toBe(0);
  await page.getByRole('link', { name: 'Blocks', exact: true }).click();
  await page.getByRole('button', { name: /^Remove: Comments from this author/ }).click();
  await page.getByText('The block was removed.').waitFor();
  const last = await system.comment(id, 'a word after the block', 'Sam');
  await expect.poll(() => statusOf(id, last.id), { timeout: 30_000 }).toBe('approved');
});

test('a post is taken down with a reason, which its author alone reads', async () => {
  const author = await system.visit('/');
  await author.getByRole('button', { name: 'Write a post…' }).click();
  await author.getByLabel('Title').fill('Buy now');
  await author.getByRole('button', { name: 'Post', exact: true }).click();
  await author.getByText('Your post is out.').waitFor();
  await author.getByRole('link', { name: 'Buy now', exact: true }).click();
  await author.getByRole('heading', { level: 1, name: 'Buy now' }).waitFor();
  const { pathname } = new URL(author.url());
  const [moderator, reader] = [await signedIn(pathname), await system.visit(pathname)];
  await reader.getByRole('heading', { level: 1, name: 'Buy now' }).waitFor();
  await moderator.getByRole('link', { name: 'Take the post down' }).click();
  await moderator.getByLabel('Reason').fill('spam');
  await moderator.getByLabel('Note for the author').fill('Please read the rules.');
  await moderator.getByRole('button', { name: 'Take it down' }).click();
  await moderator.getByText('The post was taken down.').waitFor();
  await reader.getByText('This post does not exist, or was deleted.').waitFor();
  await author.getByText('A moderator has taken your post down.').waitFor();
  await author.getByText('Please read the rules.').waitFor();
  expect(await reader.getByText('Please read the rules.').count()).toBe(0);
  await moderator.goto(`${system.url}/moderation/log`);
  await moderator.getByText('Post taken down').first().waitFor();
});

test('an administrator who has signed in deletes a comment and a post of others', async () => {
  const { id } = await system.post({ title: 'Of somebody else' });
  await system.comment(id, 'a comment of somebody', 'Kim');
  const [page, reader] = [await signedIn(`/posts/${id}`), await system.visit(`/posts/${id}`)];
  await reader.getByText('a comment of somebody').waitFor();
  await page.getByText('a comment of somebody').waitFor();
  await page.getByRole('button', { name: 'Delete: comment by Kim' }).click();
  await page.getByText('Comment deleted.').waitFor();
  await reader.getByText('a comment of somebody').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete: Of somebody else' }).click();
  await reader.getByText('This post does not exist, or was deleted.').waitFor();
});

/** What the public view says of a comment, if it has it. */
async function statusOf(postId: string, id: string): Promise<string | undefined> {
  const answer = await fetch(`${system.url}/api/query/posts/${postId}/comments`);
  return ((await answer.json()) as { id: string; status: string }[]).find((comment) => comment.id === id)?.status;
}
