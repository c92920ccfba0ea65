import { screen, waitFor } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { Route, Routes } from 'react-router';
import { expect, test } from 'vitest';

import { FeedPage } from '@/features/feed/FeedPage';
import { PostPage } from '@/features/post/PostPage';

import { careless } from './careless';
import { dangers } from './dangers';
import { heavy, payloads } from './payloads';
import { aComment, aPost, list, server } from './server';
import { show } from './show';

test('there are enough payloads, each once', () => {
  expect(new Set(payloads).size).toBe(payloads.length);
  expect(payloads.length).toBeGreaterThanOrEqual(60);
});

test.each(payloads)('a page that lets HTML through is found out by %s', (payload) => {
  const page = document.createElement('div');
  page.innerHTML = payload + careless(payload);
  expect(dangers(page)).not.toEqual([]);
});

test.each(payloads)('nothing of it gets through: %s', async (payload) => {
  const comments = [aComment('c', { content: payload, author: payload })];
  const post = aPost('p', { title: payload, body: payload, author: payload, commentCount: 1, comments });
  server.use(
    list('/api/query/posts', [post]),
    http.get('/api/query/posts/p', () => HttpResponse.json(post)),
    list('/api/query/posts/p/comments', comments),
  );
  const feed = show(<FeedPage />);
  await screen.findByRole('article');
  expect(feed.container.querySelectorAll('li')).not.toHaveLength(0);
  expect(dangers(feed.container)).toEqual([]);
  feed.unmount();
  const { container } = show(
    <Routes>
      <Route path="posts/:id" element={<PostPage />} />
    </Routes>,
    '/posts/p',
  );
  await waitFor(() => {
    expect(container.querySelector('ol > li')).not.toBeNull();
  });
  expect(screen.getByRole('heading', { level: 1 }).textContent).toBe(payload);
  expect(dangers(container)).toEqual([]);
});

test.each(Object.entries(heavy))('a text is shown as it was written where Markdown would be too much: %s', async (_, content) => {
  const comments = [aComment('c', { content })];
  const post = aPost('p', { body: content, commentCount: 1, comments });
  server.use(
    list('/api/query/posts', [post]),
    http.get('/api/query/posts/p', () => HttpResponse.json(post)),
    list('/api/query/posts/p/comments', comments),
  );
  const start = performance.now();
  const feed = show(<FeedPage />);
  await screen.findByRole('article');
  feed.unmount();
  const { container } = show(
    <Routes>
      <Route path="posts/:id" element={<PostPage />} />
    </Routes>,
    '/posts/p',
  );
  await waitFor(() => {
    expect(container.querySelector('ol > li')?.textContent).toContain(content);
  });
  expect(container.querySelector('article')?.textContent).toContain(content);
  expect(performance.now() - start).toBeLessThan(2_000);
});
