import { InfiniteQueryObserver } from '@tanstack/react-query';
import { http, HttpResponse } from 'msw';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { aComment, aPost, server, when } from '@/test/server';

import type { Comment, Post } from './api';
import { commentsQuery, createQueryClient, feedQuery, keys, type Pages } from './queries';
import { applyChange } from './view';

let client: ReturnType<typeof createQueryClient>;
let asked: string[];
let stop: () => void = () => undefined;

beforeEach(() => {
  client = createQueryClient();
  asked = [];
});
afterEach(() => {
  stop();
  client.clear();
  vi.useRealTimers();
});

/** Answers with part of a list, as query does: the cursor is the last before it. */
function pagesOf(path: string, things: () => (Post | Comment)[]) {
  server.use(
    http.get(path, ({ request }) => {
      const { searchParams, search } = new URL(request.url);
      asked.push(search);
      const cursor = searchParams.get('cursor');
      const from = cursor ? things().findIndex(({ id }) => id === cursor) + 1 : 0;
      const to = from + Number(searchParams.get('limit') ?? 20);
      const part = things().slice(from, to);
      return HttpResponse.json(part, to < things().length ? { headers: { Link: `<?cursor=${part.at(-1)?.id}>; rel="next"` } } : undefined);
    }),
  );
}

const posts = (from: number, to: number) => Array.from({ length: from - to }, (_, i) => aPost(`p${from - i}`, { createdAt: when(from - i) }));
const ids = (key: readonly string[]) => client.getQueryData<Pages<{ id: string }>>(key)?.pages.flatMap(({ items }) => items.map(({ id }) => id)) ?? [];

async function observe(pages: number) {
  const observer = new InfiniteQueryObserver(client, feedQuery);
  stop = observer.subscribe(() => undefined);
  await vi.waitFor(() => {
    expect(observer.getCurrentResult().isSuccess).toBe(true);
  });
  for (let i = 1; i < pages; i++) await observer.fetchNextPage();
  asked = [];
}

test('what has come in makes a list that is read again no shorter', async () => {
  let all = posts(200, 0);
  pagesOf('/api/query/posts', () => all);
  await observe(3);
  for (const post of posts(230, 200).reverse()) {
    all = [post, ...all];
    applyChange(client, { type: 'post', data: post });
  }
  expect(ids(keys.feed)).toHaveLength(90);
  await client.invalidateQueries();
  expect(ids(keys.feed)).toEqual(posts(230, 140).map(({ id }) => id));
  expect(asked).toEqual(['?limit=50', '?cursor=p181', '?cursor=p161']);
});

test('nor does what has come in and was not told', async () => {
  let all = posts(200, 0);
  pagesOf('/api/query/posts', () => all);
  await observe(2);
  all = [...posts(350, 200), ...all];
  await client.invalidateQueries();
  expect(ids(keys.feed)).toEqual(expect.arrayContaining(posts(350, 160).map(({ id }) => id)));
  expect(asked).toHaveLength(4);
});

test('where very much has come in, it is not all read', async () => {
  let all = posts(100, 0);
  pagesOf('/api/query/posts', () => all);
  await observe(1);
  all = [...posts(5_000, 100), ...all];
  await client.invalidateQueries();
  expect(asked.length).toBeLessThanOrEqual(10);
});

test('a list of comments, too, stays as long as it was', async () => {
  let all = Array.from({ length: 20 }, (_, i) => aComment(`c${i}`, { createdAt: when(i) }));
  pagesOf('/api/query/posts/p/comments', () => all);
  const observer = new InfiniteQueryObserver(client, commentsQuery('p'));
  stop = observer.subscribe(() => undefined);
  await vi.waitFor(() => {
    expect(ids(keys.comments('p'))).toHaveLength(20);
  });
  for (let i = 20; i < 50; i++) {
    const comment = aComment(`c${i}`, { createdAt: when(i) });
    all = [...all, comment];
    applyChange(client, { type: 'comment', data: { postId: 'p', commentCount: i, comment } });
  }
  await client.invalidateQueries();
  expect(ids(keys.comments('p'))).toEqual(all.map(({ id }) => id));
});

test('the feed and the place in it outlast the reading of a long post', () => {
  vi.useFakeTimers();
  client.setQueryData(keys.feed, { pages: [], pageParams: [] });
  client.setQueryData(keys.place, 'here');
  vi.advanceTimersByTime(3_600_000);
  expect(client.getQueryData(keys.feed)).toBeDefined();
  expect(client.getQueryData(keys.place)).toBe('here');
});
