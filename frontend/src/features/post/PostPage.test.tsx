import { QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { delay, http, HttpResponse } from 'msw';
import { MemoryRouter, Route, Routes } from 'react-router';
import { expect, test, vi } from 'vitest';

import { Undo } from '@/components/Undo';
import { moderatorName, moderatorToken } from '@/lib/moderator';
import { own, remember } from '@/lib/own';
import { keys } from '@/lib/queries';
import { throwAway } from '@/lib/trash';
import { applyChange } from '@/lib/view';
import { aComment, anOwn, aPost, blank, list, problem, server, when } from '@/test/server';
import { show } from '@/test/show';

import { PostPage } from './PostPage';

/** What is to be deleted, as the browser keeps it. */
const trashed = () => JSON.parse(localStorage.getItem('newsfeed:trash') ?? '[]') as unknown;

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

test('what the feed has loaded of a post stays readable when nothing more comes', async () => {
  server.use(
    http.get('/api/query/posts/p', () => problem(500)),
    http.get('/api/query/posts/p/comments', () => problem(500)),
  );
  const { client, rerender } = show(<p>elsewhere</p>, '/posts/p');
  const loaded = aPost('p', { commentCount: 1, comments: [aComment('a')] });
  client.setQueryData(keys.feed, { pages: [{ items: [loaded], next: undefined }], pageParams: [undefined] });
  rerender(
    <QueryClientProvider client={client}>
      <MemoryRouter initialEntries={['/posts/p']}>
        <Routes>
          <Route path="posts/:id" element={<PostPage />} />
        </Routes>
      </MemoryRouter>
    </QueryClientProvider>,
  );
  expect(await screen.findAllByRole('alert')).toHaveLength(2);
  expect(screen.getByRole('heading', { level: 1, name: 'Title of p' })).toBeVisible();
  expect(screen.getByText('Content of a')).toBeVisible();
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

test('an own comment that somebody else has deleted is gone', async () => {
  serve([aComment('mine')]);
  server.use(http.get('/api/comments/comments/mine', () => problem(404)));
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { client } = showPost();
  await screen.findByText('Content of mine');
  client.setQueryData(keys.own('mine'), anOwn('mine', 'p')); // as it was when it was written
  act(() => {
    applyChange(client, { type: 'comment-deleted', data: { postId: 'p', commentCount: 0, id: 'mine' } });
  });
  await waitFor(() => {
    expect(screen.queryByText('Content of mine')).not.toBeInTheDocument();
  });
  expect(own.get()).toEqual([]);
  expect(client.getQueryData(keys.own('mine'))).toBeNull();
});

test('so is one that was deleted while the page was not told of it', async () => {
  serve([]);
  let asked = 0;
  server.use(http.get('/api/comments/comments/mine', () => (++asked, problem(404))));
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { client } = show(<p>elsewhere</p>);
  client.setQueryData(keys.own('mine'), anOwn('mine', 'p'));
  await client.invalidateQueries();
  cleanup();
  render(
    <QueryClientProvider client={client}>
      <MemoryRouter initialEntries={['/posts/p']}>
        <Routes>
          <Route path="posts/:id" element={<PostPage />} />
        </Routes>
      </MemoryRouter>
    </QueryClientProvider>,
  );
  await waitFor(() => {
    expect(asked).toBe(1);
  });
  expect(await screen.findByText('No comments yet. Say the first word.')).toBeVisible();
  expect(screen.queryByText('Content of mine')).not.toBeInTheDocument();
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

test('while a comment is being sent its text stays as it is, and can be read', async () => {
  serve([]);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  server.use(
    http.post('/api/comments/posts/p/comments', async () => {
      await held;
      return HttpResponse.json({ ...anOwn('mine', 'p', { content: 'first' }), editToken: 'secret' }, { status: 201 });
    }),
    http.get('/api/comments/comments/mine', () => HttpResponse.json(anOwn('mine', 'p', { content: 'first' }))),
  );
  const { user } = showPost();
  const field = await screen.findByLabelText('Comment');
  await user.type(field, 'first');
  await user.click(screen.getByRole('button', { name: 'Comment' }));
  await user.type(field, ', and a second thought');
  expect(field).toHaveValue('first');
  expect(field).toHaveAttribute('readonly');
  expect(field).toHaveFocus(); // it is no less there
  answer();
  await screen.findByText('Sent. Above you see where your comment stands.');
  expect(field).toHaveValue('');
  await user.type(field, 'second');
  expect(field).toHaveValue('second');
});

test('what is typed after a page that was sending is left and come back to is kept', async () => {
  serve([]);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  server.use(
    http.post('/api/comments/posts/p/comments', async () => {
      await held;
      return HttpResponse.json({ ...anOwn('mine', 'p', { content: 'first' }), editToken: 'secret' }, { status: 201 });
    }),
    http.get('/api/comments/comments/mine', () => HttpResponse.json(anOwn('mine', 'p', { content: 'first' }))),
  );
  const before = showPost();
  await before.user.type(await screen.findByLabelText('Comment'), 'first');
  await before.user.click(screen.getByRole('button', { name: 'Comment' }));
  before.unmount();
  const { user } = showPost();
  await user.type(await screen.findByLabelText('Comment'), '!');
  answer();
  await waitFor(() => {
    expect(own.get()).toHaveLength(1);
  });
  expect(screen.getByLabelText('Comment')).toHaveValue('first!');
});

test('a change that is being sent is not to be cancelled', async () => {
  serve([]);
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  server.use(
    http.patch('/api/posts/posts/p', async () => {
      await held;
      return problem(422);
    }),
  );
  remember({ kind: 'post', id: 'p', postId: 'p', token: 'secret' });
  const { user } = showPost();
  await user.click(await screen.findByRole('button', { name: 'Edit: Title of p' }));
  await user.click(screen.getByRole('button', { name: 'Save' }));
  const cancel = screen.getByRole('button', { name: 'Cancel' });
  expect(cancel).toHaveAttribute('aria-disabled', 'true');
  await user.click(cancel);
  expect(screen.getByLabelText('Title')).toHaveAttribute('readonly');
  answer();
  await screen.findByRole('alert');
  expect(screen.getByLabelText('Title')).not.toHaveAttribute('readonly');
  await user.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(await screen.findByRole('heading', { level: 1, name: 'Title of p' })).toBeVisible();
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

const showWithUndo = () =>
  show(
    <>
      <Routes>
        <Route path="/" element={<p>the feed</p>} />
        <Route path="posts/:id" element={<PostPage />} />
      </Routes>
      <Undo />
    </>,
    '/posts/p',
  );

test('nobody but its author can change a thing', async () => {
  serve([aComment('a')]);
  showPost();
  await screen.findByText('Content of a');
  expect(screen.queryByRole('button', { name: /^(Edit|Delete)/ })).not.toBeInTheDocument();
});

test('who is signed in as a moderator is led from a comment to what was decided on it', async () => {
  serve([aComment('a b')]);
  const { unmount } = showPost();
  await screen.findByText('Content of a b');
  expect(screen.queryByRole('link', { name: /^Moderate/ })).not.toBeInTheDocument();
  unmount();
  localStorage.setItem('newsfeed:moderator', '"secret"');
  showPost();
  expect(await screen.findByRole('link', { name: 'Moderate: comment by bob' })).toHaveAttribute('href', '/moderation/log?comment=a%20b');
});

test('a post is changed by its author, and what was typed survives a reload', async () => {
  serve([]);
  server.use(
    http.patch('/api/posts/posts/p', async ({ request }) => {
      expect(request.headers.get('Authorization')).toBe('Bearer secret');
      expect(await request.json()).toEqual({ title: 'Title of p!', body: 'Body of p', author: 'ann' });
      server.use(http.get('/api/query/posts/p', () => HttpResponse.json(aPost('p', { title: 'Title of p!', version: 2 }))));
      return HttpResponse.json(aPost('p', { title: 'Title of p!', version: 2 }));
    }),
  );
  remember({ kind: 'post', id: 'p', postId: 'p', token: 'secret' });
  const first = showPost();
  await first.user.click(await screen.findByRole('button', { name: 'Edit: Title of p' }));
  expect(screen.getByLabelText('Title')).toHaveFocus();
  await first.user.type(screen.getByLabelText('Title'), '!');
  first.unmount();
  const { user } = showPost();
  expect(await screen.findByLabelText('Title')).toHaveValue('Title of p!');
  await user.click(screen.getByRole('button', { name: 'Save' }));
  expect(await screen.findByRole('heading', { level: 1, name: 'Title of p!' })).toBeVisible();
});

test.each(['Save', 'Cancel'])('after %s the focus is on the button that led to the form', async (button) => {
  serve([aComment('mine')]);
  server.use(
    http.patch('/api/posts/posts/p', () => HttpResponse.json(aPost('p', { version: 2 }))),
    http.patch('/api/comments/comments/mine', () => HttpResponse.json(anOwn('mine', 'p', { version: 3 }))),
  );
  remember({ kind: 'post', id: 'p', postId: 'p', token: 'secret' });
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { user } = showPost();
  for (const name of ['Edit: Title of p', 'Edit: your comment']) {
    await user.click(await screen.findByRole('button', { name }));
    await user.click(screen.getByRole('button', { name: button }));
    await waitFor(() => {
      expect(screen.getByRole('button', { name })).toHaveFocus();
    });
    expect(screen.queryAllByText('Saved.')).toHaveLength(button === 'Save' ? 1 : 0);
    await user.click(screen.getByRole('button', { name }));
    expect(screen.queryByText('Saved.')).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Cancel' }));
  }
});

test.each(['', '#comments'])('whose address is that of the comments begins there: %o', async (hash) => {
  const scrolled = vi.spyOn(Element.prototype, 'scrollIntoView');
  serve([aComment('a')]);
  const { client } = showPost(`p${hash}`);
  await screen.findByText('Content of a');
  await client.invalidateQueries();
  expect(scrolled.mock.contexts).toEqual(hash ? [document.getElementById('comments')] : []);
});

test('the comments have a feed', async () => {
  serve([]);
  showPost();
  expect(await screen.findByRole('link', { name: 'Atom feed of the comments' })).toHaveAttribute('href', '/api/query/posts/p/comments.atom');
  expect(document.head.querySelector('link[rel=alternate]')).toHaveAttribute('href', '/api/query/posts/p/comments.atom');
});

test('an approved comment that its author changes waits again, for its author to see', async () => {
  serve([aComment('mine', { content: 'before' })]);
  server.use(
    http.patch('/api/comments/comments/mine', async ({ request }) => {
      expect(await request.json()).toEqual({ content: 'after', author: 'bob' });
      return HttpResponse.json(anOwn('mine', 'p', { content: 'after', version: 3 }));
    }),
  );
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { user } = showPost();
  await user.click(await screen.findByRole('button', { name: 'Edit: your comment' }));
  const form = screen.getByRole('form', { name: 'Edit comment' });
  await user.clear(within(form).getByLabelText('Comment'));
  await user.type(within(form).getByLabelText('Comment'), 'after');
  await user.click(within(form).getByRole('button', { name: 'Save' }));
  expect(await screen.findByText('after')).toBeVisible();
  expect(screen.getByText('Awaiting moderation')).toBeVisible();
});

test('a deleted comment can be had back', async () => {
  serve([aComment('mine')]);
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { user } = showWithUndo();
  await user.click(await screen.findByRole('button', { name: 'Delete: your comment' }));
  expect(screen.queryByText('Content of mine')).not.toBeInTheDocument();
  expect(screen.getByText('Comment deleted.')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Undo' })).toHaveFocus();
  await user.click(screen.getByRole('button', { name: 'Undo' }));
  expect(await screen.findByText('Content of mine')).toBeVisible();
  expect(own.get()).toHaveLength(1);
});

test('a deleted post is gone when its time is over, although the first try fails', async () => {
  serve([]);
  let tries = 0;
  server.use(
    http.delete('/api/posts/posts/p', ({ request }) => {
      expect(request.headers.get('Authorization')).toBe('Bearer secret');
      return ++tries === 1 ? problem(503) : new HttpResponse(null, { status: 204 });
    }),
  );
  remember({ kind: 'post', id: 'p', postId: 'p', token: 'secret' });
  showWithUndo();
  await screen.findByRole('button', { name: 'Delete: Title of p' });
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    await userEvent.setup({ advanceTimers: vi.advanceTimersByTime }).click(screen.getByRole('button', { name: 'Delete: Title of p' }));
    expect(screen.getByText('the feed')).toBeVisible();
    await act(() => vi.advanceTimersByTimeAsync(4_900));
    expect(tries).toBe(0);
    await act(() => vi.advanceTimersByTimeAsync(200));
    expect(await screen.findByText(/^Not deleted yet/)).toBeVisible();
    await act(() => vi.advanceTimersByTimeAsync(5_000));
    await waitFor(() => {
      expect(own.get()).toEqual([]);
    });
    expect(tries).toBe(2);
  } finally {
    vi.useRealTimers();
  }
});

test('a deletion that does not arrive takes neither the focus nor the keys of who types', async () => {
  serve([aComment('mine')]);
  let tries = 0;
  server.use(
    http.delete('/api/comments/comments/mine', async () => {
      if (++tries > 1) await delay('infinite');
      return problem(503);
    }),
  );
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  showWithUndo();
  await screen.findByRole('button', { name: 'Delete: your comment' });
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTime });
    await user.click(screen.getByRole('button', { name: 'Delete: your comment' }));
    await user.click(screen.getByLabelText('Comment'));
    await act(() => vi.advanceTimersByTimeAsync(5_100));
    const says = await screen.findByText(/^Not deleted yet/);
    await user.keyboard('a b');
    expect(screen.getByLabelText('Comment')).toHaveValue('a b');
    await act(() => vi.advanceTimersByTimeAsync(5_100));
    await waitFor(() => {
      expect(tries).toBe(2);
    });
    expect(screen.getByText(/^Not deleted yet/)).toBe(says);
    // What is under way cannot be had back.
    await user.click(screen.getByRole('button', { name: 'Undo' }));
    expect(screen.getByText(/^Not deleted yet/)).toBe(says);
  } finally {
    vi.useRealTimers();
  }
});

test('what is deleted elsewhere takes no focus', async () => {
  serve([aComment('mine')]);
  const { user } = showWithUndo();
  await user.click(await screen.findByLabelText('Comment'));
  act(() => {
    throwAway({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  });
  expect(screen.getByRole('button', { name: 'Undo' })).toBeVisible();
  expect(screen.getByLabelText('Comment')).toHaveFocus();
});

test('what was deleted when the page was closed cannot be had back', async () => {
  serve([aComment('mine')]);
  let tries = 0;
  server.use(
    http.delete('/api/comments/comments/mine', () => {
      tries++;
      return new HttpResponse(null, { status: 204 });
    }),
  );
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { user } = showWithUndo();
  await user.click(await screen.findByRole('button', { name: 'Delete: your comment' }));
  act(() => {
    window.dispatchEvent(new Event('pagehide'));
  });
  await waitFor(() => {
    expect(tries).toBe(1);
  });
  expect(screen.queryByRole('button', { name: 'Undo' })).not.toBeInTheDocument();
  expect(screen.queryByText('Content of mine')).not.toBeInTheDocument();
});

test('that there is no such post is still said while it is looked for anew', async () => {
  let asked = 0;
  server.use(
    http.get('/api/query/posts/p', async () => {
      if (++asked > 1) await delay('infinite');
      return problem(404);
    }),
  );
  const { client } = showPost();
  await screen.findByRole('heading', { level: 1, name: 'There is nothing here' });
  void client.invalidateQueries();
  await waitFor(() => {
    expect(asked).toBe(2);
  });
  expect(screen.getByRole('heading', { level: 1, name: 'There is nothing here' })).toBeVisible();
});

test('a comment that is cut is read whole with the button', async () => {
  serve([aComment('a', { content: 'The beginning', truncated: true })]);
  server.use(
    http.get('/api/comments/comments/a', () => HttpResponse.json(anOwn('a', 'p', { content: 'The beginning and the end', status: 'approved', version: 2 }))),
  );
  const { user } = showPost();
  expect(await screen.findByText('The beginning…')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Read the whole comment: comment by bob' }));
  expect(await screen.findByText('The beginning and the end')).toBeVisible();
  expect(screen.queryByRole('button', { name: /whole comment/ })).not.toBeInTheDocument();
});

test('what an editor begins with is the whole text, also of a comment that is cut', async () => {
  serve([aComment('mine', { content: 'The beginning', truncated: true })]);
  let saved: unknown;
  let arrive: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  server.use(
    http.get('/api/comments/comments/mine', async ({ request }) => {
      expect(request.headers.get('Authorization')).toBe('Bearer secret');
      await arrived;
      return HttpResponse.json(anOwn('mine', 'p', { content: 'The beginning and the end', status: 'approved', version: 2 }));
    }),
    http.patch('/api/comments/comments/mine', async ({ request }) => {
      saved = await request.json();
      return HttpResponse.json(anOwn('mine', 'p', { content: 'changed', version: 3 }));
    }),
  );
  remember({ kind: 'comment', id: 'mine', postId: 'p', token: 'secret' });
  const { user } = showPost();
  await user.click(await screen.findByRole('button', { name: 'Edit: your comment' }));
  expect(screen.queryByRole('form', { name: 'Edit comment' })).not.toBeInTheDocument();
  arrive?.();
  const form = await screen.findByRole('form', { name: 'Edit comment' });
  expect(within(form).getByLabelText('Comment')).toHaveValue('The beginning and the end');
  await user.click(within(form).getByRole('button', { name: 'Save' }));
  await waitFor(() => {
    expect(saved).toEqual({ content: 'The beginning and the end', author: 'bob' });
  });
});

test('a whole text is not replaced by its own beginning', async () => {
  serve([aComment('a', { content: 'The whole text' })]);
  const { client } = showPost();
  await screen.findByText('The whole text');
  act(() => {
    applyChange(client, { type: 'comment', data: { postId: 'p', commentCount: 1, comment: aComment('a', { content: 'The', truncated: true }) } });
  });
  expect(screen.getByText('The whole text')).toBeVisible();
});

test('an administrator who has signed in deletes what others wrote; a moderator does not', async () => {
  serve([aComment('a')]);
  moderatorToken.set('the token');
  moderatorName.set('ann');
  const deleted: string[] = [];
  server.use(
    http.delete('/api/comments/comments/a', ({ request }) => {
      deleted.push(request.headers.get('Authorization') ?? '');
      return new HttpResponse(null, { status: 204 });
    }),
  );
  const { user } = showPost();
  expect(await screen.findByRole('link', { name: 'Take the post down' })).toHaveAttribute('href', '/moderation/posts/p');
  await screen.findByText('Content of a');
  expect(screen.queryByRole('button', { name: /^Delete/ })).not.toBeInTheDocument();
  act(() => {
    moderatorName.set('admin');
  });
  expect(screen.getByRole('button', { name: 'Delete: Title of p' })).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Delete: comment by bob' }));
  expect(screen.queryByText('Content of a')).not.toBeInTheDocument();
  expect(trashed()).toMatchObject([{ kind: 'comment', id: 'a', postId: 'p', token: 'the token' }]);
  expect(deleted).toEqual([]); // not as long as it can be undone
});

test('who wrote a post that was taken down learns why', async () => {
  server.use(
    http.get('/api/query/posts/p', () => problem(404)),
    http.get('/api/posts/posts/p', ({ request }) => {
      expect(request.headers.get('Authorization')).toBe('Bearer secret');
      return HttpResponse.json(
        { type: 'any', title: 'Any', status: 404, detail: 'a moderator has taken this post down: spam\n\nPlease read the rules.' },
        { status: 404, headers: { 'Content-Type': 'application/problem+json' } },
      );
    }),
  );
  remember({ kind: 'post', id: 'p', postId: 'p', token: 'secret' });
  showPost();
  expect(await screen.findByText('Please read the rules.')).toBeVisible();
  expect(screen.getByText('spam')).toBeVisible();
});
