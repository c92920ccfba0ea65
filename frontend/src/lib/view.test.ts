import { beforeEach, describe, expect, test } from 'vitest';

import { aComment, aPost, blank, when } from '@/test/server';

import type { Comment, Post } from './api';
import { createQueryClient, keys, type Pages } from './queries';
import { applyChange, showPost } from './view';

const newest = aPost('c', { createdAt: when(30) });
const middle = aPost('b', { createdAt: when(20) });
const oldest = aPost('a', { createdAt: when(10) });

let client: ReturnType<typeof createQueryClient>;

const load = (key: readonly string[], ...pages: unknown[][]) => {
  client.setQueryData<Pages<unknown>>(key, {
    pages: pages.map((items, i) => ({ items, next: i < pages.length - 1 ? `page ${i + 2}` : undefined })),
    pageParams: pages.map((_, i) => (i ? `page ${i + 1}` : undefined)),
  });
};
const more = (key: readonly string[]) => {
  client.setQueryData<Pages<unknown>>(key, (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, next: 'more' })) });
};
const ids = (key: readonly string[]) =>
  client.getQueryData<Pages<{ id: string }>>(key)?.pages.map((page) => page.items.map(({ id }) => id));
const post = (id: string) => client.getQueryData<Pages<Post>>(keys.feed)?.pages.flatMap(({ items }) => items).find((each) => each.id === id);

beforeEach(() => {
  client = createQueryClient();
});

describe('a post', () => {
  test('that is new is on top, and the pages keep their ends', () => {
    load(keys.feed, [middle], [oldest]);
    applyChange(client, { type: 'post', data: newest });
    expect(ids(keys.feed)).toEqual([['c', 'b'], ['a']]);
    expect(client.getQueryData<Pages<Post>>(keys.feed)?.pages.map(({ next }) => next)).toEqual(['page 2', undefined]);
  });

  test('from elsewhere may be older: it is in its place', () => {
    load(keys.feed, [newest, oldest]);
    applyChange(client, { type: 'post', data: middle });
    expect(ids(keys.feed)).toEqual([['c', 'b', 'a']]);
  });

  test('of a page that is not loaded yet comes with that page', () => {
    load(keys.feed, [newest, middle]);
    more(keys.feed);
    applyChange(client, { type: 'post', data: oldest });
    expect(ids(keys.feed)).toEqual([['c', 'b']]);
  });

  test('of the same moment is in the order of ids', () => {
    load(keys.feed, [aPost('z', { createdAt: when(20) }), oldest]);
    applyChange(client, { type: 'post', data: middle });
    expect(ids(keys.feed)).toEqual([['z', 'b', 'a']]);
  });

  test('that has changed takes the place of what it was', () => {
    load(keys.feed, [newest, middle]);
    client.setQueryData(keys.post('b'), middle);
    const changed = { ...middle, title: 'Changed', version: 2 };
    applyChange(client, { type: 'post', data: changed });
    expect(post('b')).toEqual(changed);
    expect(client.getQueryData(keys.post('b'))).toEqual(changed);
    showPost(client, middle); // an old answer
    expect(post('b')).toEqual(changed);
    expect(client.getQueryData(keys.post('b'))).toEqual(changed);
  });

  test('that is deleted is gone', () => {
    load(keys.feed, [newest, middle], [oldest]);
    client.setQueryData(keys.post('b'), middle);
    applyChange(client, { type: 'post-deleted', data: { id: 'b' } });
    expect(ids(keys.feed)).toEqual([['c'], ['a']]);
    expect(client.getQueryData(keys.post('b'))).toBeNull();
    applyChange(client, { type: 'post-deleted', data: { id: 'x' } });
    expect(client.getQueryState(keys.post('x'))).toBeUndefined();
  });

  test('leaves what is to be read anew as that', async () => {
    load(keys.feed, [oldest]);
    await client.invalidateQueries();
    applyChange(client, { type: 'post', data: newest });
    expect(ids(keys.feed)).toEqual([['c', 'a']]);
    expect(client.getQueryState(keys.feed)?.isInvalidated).toBe(true);
  });

  test('is no list where none is loaded', () => {
    applyChange(client, { type: 'post', data: newest });
    expect(client.getQueryData(keys.feed)).toBeUndefined();
  });
});

describe('a comment', () => {
  const change = (comment: Comment, commentCount: number) => {
    applyChange(client, { type: 'comment', data: { postId: 'b', commentCount, comment } });
  };

  beforeEach(() => {
    load(keys.feed, [newest, middle]);
    client.setQueryData(keys.post('b'), middle);
    load(keys.comments('b'), [aComment('x', { createdAt: when(10) })]);
  });

  test('is in the feed, on its post and in the list', () => {
    const comment = aComment('y', { createdAt: when(40) });
    change(comment, 2);
    expect(post('b')).toMatchObject({ commentCount: 2, comments: [comment] });
    expect(post('c')).toEqual(newest);
    expect(client.getQueryData(keys.post('b'))).toMatchObject({ commentCount: 2, comments: [comment] });
    expect(ids(keys.comments('b'))).toEqual([['x', 'y']]);
  });

  test('that was pending gets its text', () => {
    change(blank('y', { createdAt: when(40) }), 1);
    change(aComment('y', { createdAt: when(40) }), 2);
    change(blank('y', { createdAt: when(40) }), 2); // an old one
    expect(post('b')?.comments).toEqual([aComment('y', { createdAt: when(40) })]);
    expect(ids(keys.comments('b'))).toEqual([['x', 'y']]);
  });

  test('waits for its page, if that is not loaded', () => {
    more(keys.comments('b'));
    change(aComment('y', { createdAt: when(40) }), 2);
    expect(ids(keys.comments('b'))).toEqual([['x']]);
  });

  test('with many others: the latest 20 come with the post', () => {
    for (let i = 0; i < 25; i++) change(aComment(`n${i}`, { createdAt: when(i) }), i + 1);
    expect(post('b')?.comments.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => `n${i + 5}`));
  });

  test('that is deleted is gone', () => {
    applyChange(client, { type: 'comment', data: { postId: 'b', commentCount: 1, comment: aComment('x', { version: 3 }) } });
    applyChange(client, { type: 'comment-deleted', data: { postId: 'b', commentCount: 0, id: 'x' } });
    expect(post('b')).toMatchObject({ commentCount: 0, comments: [] });
    expect(ids(keys.comments('b'))).toEqual([[]]);
  });
});

test('with a post come its 20 latest approved comments, and of the others those that are newer', () => {
  client.setQueryData(keys.post('b'), { ...middle, comments: [] });
  const told = (comment: Comment) => {
    applyChange(client, { type: 'comment', data: { postId: 'b', commentCount: 1, comment } });
  };
  const id = (kind: string, i: number) => kind + String(i).padStart(2, '0');
  for (let i = 0; i < 30; i++) {
    told(aComment(id('a', i), { createdAt: when(2 * i) }));
    told(blank(id('b', i), { createdAt: when(2 * i + 1) }));
  }
  const comments = client.getQueryData<Post>(keys.post('b'))?.comments.map((comment) => comment.id) ?? [];
  expect(comments).toHaveLength(40);
  expect(comments[0]).toBe('a10');
  for (let i = 30; i < 80; i++) told(blank(id('b', i), { createdAt: when(100 + i) }));
  const kept = client.getQueryData<Post>(keys.post('b'))?.comments.map((comment) => comment.id) ?? [];
  expect(kept.filter((each) => each.startsWith('a'))).toHaveLength(20);
  expect(kept.filter((each) => each.startsWith('b'))).toEqual(Array.from({ length: 20 }, (_, i) => id('b', 60 + i)));
});

describe('a text that comes cut with a change', () => {
  test('is not taken for the whole of a post', () => {
    const whole = aPost('a', { createdAt: when(10), body: 'the whole text', version: 1 });
    load(keys.feed, [whole]);
    client.setQueryData(keys.post('a'), whole);
    applyChange(client, { type: 'post', data: { ...whole, body: 'the', version: 2, truncated: true } });
    expect(client.getQueryData<Post>(keys.post('a'))?.body).toBe('the whole text');
    expect(client.getQueryState(keys.post('a'))?.isInvalidated).toBe(true);
    expect(post('a')?.body).toBe('the');
  });

  test('has the comments of its page read again', () => {
    load(keys.comments('a'), [aComment('x', { createdAt: when(1) })]);
    const comment = aComment('y', { createdAt: when(2), content: 'long', truncated: true });
    applyChange(client, { type: 'comment', data: { postId: 'a', commentCount: 2, comment } });
    expect(client.getQueryState(keys.comments('a'))?.isInvalidated).toBe(true);
  });
});
