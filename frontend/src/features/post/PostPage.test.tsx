import { screen, waitFor, within } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { Route, Routes } from 'react-router';
import { expect, test } from 'vitest';

import { own, remember } from '@/lib/own';
import { applyChange } from '@/lib/view';
import { aComment, anOwn, aPost, blank, list, problem, server, when } from '@/test/server';
import { show } from '@/test/show';

import { PostPage } from './PostPage';

const showPost = (id = 'p') =>
  show(
    <Routes>
      <Route path="posts/:id" element={<PostPage />} />
    </Routes>,
    `/posts/${id}`,
  );

const serve = (comments: Parameters<typeof list>[1], next?: string) => {
  server.use(
    http.get('/api/query/posts/p', () => HttpResponse.json(aPost('p', { commentCount: 1 }))),
    list('/api/query/posts/p/comments', comments, next),
  );
};

test('a post and its comments; of others’ that wait, only how many', async () => {
  serve([aComment('a'), blank('b'), blank('c', { status: 'flagged' }), blank('d', { status: 'rejected' })]);
  showPost();
  expect(await screen.findByRole('heading', { level: 1, name: 'Title of p' })).toBeVisible();
  expect(await screen.findByText('Content of a')).toBeVisible();
  expect(screen.getAllByRole('listitem')).toHaveLength(1);
  expect(screen.getByText('2 comments are awaiting moderation')).toBeVisible();
  expect(document.title).toBe('Title of p · Newsfeed');
});

test('the rest of the comments come with the button', async () => {
  server.use(
    http.get('/api/query/posts/p', () => HttpResponse.json(aPost('p'))),
    http.get('/api/query/posts/p/comments', ({ request }) =>
      new URL(request.url).searchParams.has('cursor')
        ? HttpResponse.json([aComment('b')])
        : HttpResponse.json([aComment('a')], { headers: { Link: '<?cursor=x>; rel="next"' } }),
    ),
  );
  const { user } = showPost();
  await user.click(await screen.findByRole('button', { name: 'Show more comments' }));
  expect(await screen.findByText('Content of b')).toBeVisible();
});

test.each([404, 503])('a post that cannot be had: %i', async (status) => {
  server.use(
    http.get('/api/query/posts/p', () => problem(status, undefined, { 'Retry-After': '0' })),
    list('/api/query/posts/p/comments', []),
  );
  showPost();
  const says = status === 404 ? 'This post does not exist, or was deleted.' : /is down for the moment/;
  expect(await screen.findByText(says)).toBeVisible();
});

test('a comment is shown to its author at once, then as it is judged', async () => {
  serve([aComment('a', { createdAt: when(1) })]);
  const mine = anOwn('mine', 'p', { content: 'my words', author: 'eve', createdAt: when(2) });
  server.use(
    http.post('/api/comments/posts/p/comments', async ({ request }) => {
      expect(request.headers.get('Idempotency-Key')).toBeTruthy();
      expect(await request.json()).toEqual({ content: 'my words', author: 'eve' });
      return HttpResponse.json({ ...mine, editToken: 'secret' }, { status: 201 });
    }),
    http.get('/api/comments/comments/mine', () => HttpResponse.json(mine)),
  );
  const { user, client } = showPost();
  await screen.findByText('Content of a');
  await user.type(screen.getByLabelText('Comment'), 'my words');
  await user.type(screen.getByLabelText(/^Name/), 'eve');
  await user.click(screen.getByRole('button', { name: 'Comment' }));

  const item = () => screen.getByText('my words').closest('li') ?? document.body;
  await screen.findByText('my words');
  expect(within(item()).getByText('Awaiting moderation')).toBeVisible();
  expect(screen.getByText('Sent. Above you see where your comment stands.')).toBeVisible();
  expect(screen.getByLabelText('Comment')).toHaveValue('');
  expect(own.get()).toEqual([{ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' }]);

  // The view has it, without the text: it is not there twice, and nobody else's waits.
  applyChange(client, { type: 'comment', data: { postId: 'p', commentCount: 1, comment: blank('mine', { createdAt: when(2) }) } });
  await waitFor(() => {
    expect(screen.getAllByRole('listitem')).toHaveLength(2);
  });
  expect(screen.queryByText(/comment is awaiting moderation$/)).not.toBeInTheDocument();

  const approved = aComment('mine', { content: 'my words', author: 'eve', createdAt: when(2) });
  applyChange(client, { type: 'comment', data: { postId: 'p', commentCount: 2, comment: approved } });
  await waitFor(() => {
    expect(within(item()).queryByText('Awaiting moderation')).not.toBeInTheDocument();
  });
  expect(screen.getByRole('heading', { name: '2 comments' })).toBeVisible();
});

test('a comment that was rejected says why, to its author', async () => {
  serve([blank('mine', { status: 'rejected' })]);
  server.use(
    http.get('/api/comments/comments/mine', ({ request }) =>
      request.headers.get('Authorization') === 'Bearer secret'
        ? HttpResponse.json(anOwn('mine', 'p', { status: 'rejected', reason: 'racism', note: 'please be kind' }))
        : problem(401),
    ),
  );
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  showPost();
  const item = (await screen.findByText('Content of mine')).closest('li') ?? document.body;
  for (const says of ['Rejected', 'racism', 'please be kind', 'Only you see this.']) {
    expect(within(item).getByText(says)).toBeVisible();
  }
});

test('what is wrong with a comment stands at its field', async () => {
  serve([]);
  server.use(
    http.post('/api/comments/posts/p/comments', () => problem(400, [{ pointer: '/content', detail: 'must not be empty' }])),
  );
  const { user } = showPost();
  await user.click(await screen.findByRole('button', { name: 'Comment' }));
  await waitFor(() => {
    expect(screen.getByLabelText('Comment')).toHaveAccessibleDescription('Comment must not be empty');
  });
  expect(screen.getByLabelText('Comment')).toHaveFocus();
});
