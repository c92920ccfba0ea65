import { afterAll, beforeAll, expect, test } from 'vitest';

import { start, type System } from './system.ts';

let system: System;

beforeAll(async () => {
  system = await start({ env: { POST_TOKEN: 'for-the-invited-only' } });
});
afterAll(() => system.stop());

test('where not everybody may post, who has the token is asked for it once', async () => {
  const page = await system.visit('/');
  const write = async (title: string) => {
    await page.getByRole('button', { name: 'Write a post…' }).click();
    await page.getByLabel('Title').fill(title);
    await page.getByRole('button', { name: 'Post', exact: true }).click();
  };
  await write('By invitation');
  const token = page.getByLabel('Token for posting');
  await token.fill('guessed');
  await token.press('Enter');
  await page.getByText('This token opens nothing here.').waitFor();
  await token.fill('for-the-invited-only');
  await token.press('Enter');
  await page.getByText('Your post is out.').waitFor();
  await page.reload();
  await write('And another');
  await page.getByText('Your post is out.').waitFor();
  await page.getByRole('button', { name: 'Write a post…' }).click();
  await page.getByRole('button', { name: 'Forget the token' }).click();
  await page.getByLabel('Title').fill('No more');
  await page.getByRole('button', { name: 'Post', exact: true }).click();
  await token.waitFor();
  expect(await page.getByRole('article').count()).toBe(2);
  expect(system.troubles).toEqual([]);
});
