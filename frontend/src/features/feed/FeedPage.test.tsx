import { act, screen, waitFor, within } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { Route, Routes, useNavigate } from 'react-router';
import { expect, test, vi } from 'vitest';

import { own } from '@/lib/own';
import { applyChange } from '@/lib/view';
import { aComment, aPost, blank, list, problem, server, when } from '@/test/server';
import { show } from '@/test/show';

import { FeedPage } from './FeedPage';

const titles = () => screen.getAllByRole('article').map((post) => within(post).getByRole('heading').textContent);

test('posts with their latest comments, and no others’ that are not approved', async () => {
  const comments = [aComment('c1'), aComment('c2'), aComment('c3'), blank('c4')];
  server.use(list('/api/query/posts', [aPost('p', { commentCount: 3, comments })]));
  show(<FeedPage />);
  expect(await screen.findByRole('link', { name: 'Title of p' })).toHaveAttribute('href', '/posts/p');
  expect(screen.getAllByText(/^Content of/).map((text) => text.textContent)).toEqual(['Content of c2', 'Content of c3']);
  expect(screen.getByText('1 earlier comment')).toBeVisible();
});

test('of a long comment the feed has the beginning', async () => {
  const comments = [aComment('c1', { content: 'word '.repeat(400) }), aComment('c2', { content: 'a line\n\n'.repeat(20) })];
  server.use(list('/api/query/posts', [aPost('p', { commentCount: 2, comments })]));
  show(<FeedPage />);
  const shown = (await screen.findAllByRole('listitem')).slice(-2).map((item) => item.textContent);
  for (const content of shown) {
    expect(content.length).toBeLessThan(700);
    expect(content).toMatch(/(word|a line)…$/);
  }
});

test('a comment that came cut leads to the whole of it', async () => {
  const comments = [aComment('c1', { content: 'The beginning', truncated: true })];
  server.use(list('/api/query/posts', [aPost('p', { commentCount: 1, comments })]));
  show(<FeedPage />);
  expect(await screen.findByText('The beginning…')).toBeVisible();
  expect(screen.getByRole('link', { name: 'Read the whole comment: comment by bob' })).toHaveAttribute('href', '/posts/p#comments');
});

test('the next page comes by itself when the end is near', async () => {
  server.use(
    http.get('/api/query/posts', ({ request }) =>
      new URL(request.url).searchParams.has('cursor')
        ? HttpResponse.json([aPost('a')])
        : HttpResponse.json([aPost('b')], { headers: { Link: '<?cursor=x>; rel="next"' } }),
    ),
  );
  show(<FeedPage />);
  await waitFor(() => {
    expect(titles()).toEqual(['Title of b', 'Title of a']);
  });
  expect(screen.getByText('That was everything.')).toBeVisible();
});

test('markup in a text is text', async () => {
  server.use(list('/api/query/posts', [aPost('p', { title: '<b>x</b>', body: '<img src=x onerror=alert(1)>' })]));
  show(<FeedPage />);
  expect(await screen.findByText('<img src=x onerror=alert(1)>')).toBeVisible();
  expect(document.querySelector('img')).toBeNull();
});

test('an empty feed says what to do', async () => {
  server.use(list('/api/query/posts', []));
  show(<FeedPage />);
  expect(await screen.findByText('Nothing here yet')).toBeVisible();
});

test('a failure says so, and can be tried again', async () => {
  server.use(http.get('/api/query/posts', () => problem(500), { once: true }), list('/api/query/posts', [aPost('p')]));
  const { user } = show(<FeedPage />);
  expect(await screen.findByRole('alert')).toHaveTextContent('Something went wrong on our side');
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByText('Title of p')).toBeVisible();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

test('what is loaded stays when the next reading fails', async () => {
  server.use(list('/api/query/posts', [aPost('p')]));
  const { client } = show(<FeedPage />);
  await screen.findByText('Title of p');
  server.use(http.get('/api/query/posts', () => problem(500)));
  await client.invalidateQueries();
  expect(await screen.findByRole('alert')).toBeVisible();
  expect(screen.getByText('Title of p')).toBeVisible();
});

const compose = async (user: ReturnType<typeof show>['user'], title: string) => {
  await user.click(screen.getByRole('button', { name: 'Write a post…' }));
  if (title) await user.type(screen.getByLabelText('Title'), title);
};

test('a post is in the feed at once, and its token is kept', async () => {
  const made = { id: 'new', title: 'Hello', body: 'World', author: 'ann', createdAt: when(30), version: 1 };
  server.use(
    list('/api/query/posts', [aPost('old')]),
    http.post('/api/posts/posts', async ({ request }) => {
      expect(await request.json()).toEqual({ title: 'Hello', body: 'World', author: 'ann' });
      return HttpResponse.json({ ...made, editToken: 'secret' }, { status: 201 });
    }),
    http.get('/api/query/posts/new', () => problem(504)),
  );
  const { user } = show(<FeedPage />);
  await screen.findByText('Title of old');
  await compose(user, 'Hello');
  await user.type(screen.getByLabelText(/^Text/), 'World');
  await user.type(screen.getByLabelText(/^Name/), 'ann');
  await user.click(screen.getByRole('button', { name: 'Post' }));
  await waitFor(() => {
    expect(titles()).toEqual(['Hello', 'Title of old']);
  });
  expect(screen.getByText('Your post is out.')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Write a post…' })).toHaveFocus();
  expect(own.get()).toEqual([{ kind: 'post', id: 'new', postId: 'new', token: 'secret' }]);

  await compose(user, '');
  expect(screen.getByLabelText('Title')).toHaveValue('');
  expect(screen.getByLabelText(/^Name/)).toHaveValue('ann'); // who wrote once need not say it again
});

test('what is wrong stands at its field, which gets the focus; nothing typed is lost', async () => {
  server.use(
    list('/api/query/posts', []),
    http.post('/api/posts/posts', () =>
      problem(400, [
        { pointer: '/title', detail: 'must not be empty' },
        { pointer: '/author', detail: 'must have 0 to 80 characters, not 81' },
      ]),
    ),
  );
  const { user } = show(<FeedPage />);
  await compose(user, '');
  await user.type(screen.getByLabelText(/^Text/), 'World');
  await user.click(screen.getByRole('button', { name: 'Post' }));
  const title = screen.getByLabelText('Title');
  await waitFor(() => {
    expect(title).toHaveAccessibleDescription('Title must not be empty');
  });
  expect(title).toBeInvalid();
  expect(title).toHaveFocus();
  expect(screen.getByLabelText(/^Name/)).toHaveAccessibleDescription('Name must have 0 to 80 characters, not 81');
  expect(screen.getByLabelText(/^Text/)).toBeValid();
  expect(screen.getByRole('alert')).toHaveTextContent('Please look at the marked fields.');
  expect(screen.getByLabelText(/^Text/)).toHaveValue('World');
});

test('a draft survives a reload, and so does the key of a write without an answer', async () => {
  const sent: (string | null)[] = [];
  server.use(
    list('/api/query/posts', []),
    http.post('/api/posts/posts', ({ request }) => {
      sent.push(request.headers.get('Idempotency-Key'));
      return problem(500);
    }),
  );
  const send = async (user: ReturnType<typeof show>['user']) => {
    const before = sent.length;
    await user.click(screen.getByRole('button', { name: 'Post' }));
    await waitFor(() => {
      expect(sent).toHaveLength(before + 1);
    });
    await screen.findByRole('alert');
  };
  const first = show(<FeedPage />);
  await compose(first.user, 'Hello');
  await send(first.user);
  first.unmount();

  const { user } = show(<FeedPage />);
  expect(screen.getByLabelText('Title')).toHaveValue('Hello');
  await send(user);
  expect(sent[0]).toMatch(/^[0-9a-f-]{36}$/);
  expect(sent[1]).toBe(sent[0]);
  await user.type(screen.getByLabelText('Title'), '!');
  await send(user);
  expect(sent[2]).not.toBe(sent[0]); // another body is another thing
});

test('a write is sent again with the same key while the service is away', async () => {
  const sent: (string | null)[] = [];
  server.use(
    list('/api/query/posts', []),
    http.get('/api/query/posts/new', () => problem(504)),
    http.post('/api/posts/posts', ({ request }) => {
      sent.push(request.headers.get('Idempotency-Key'));
      return sent.length < 3
        ? problem(503, undefined, { 'Retry-After': '0' })
        : HttpResponse.json({ ...aPost('new'), editToken: 'secret' }, { status: 201 });
    }),
  );
  const { user } = show(<FeedPage />);
  await compose(user, 'Hello');
  await user.click(screen.getByRole('button', { name: 'Post' }));
  await screen.findByText('Your post is out.');
  expect(sent).toHaveLength(3);
  expect(new Set(sent).size).toBe(1);

  await compose(user, 'Hello'); // the same once more is another post
  await user.click(screen.getByRole('button', { name: 'Post' }));
  await waitFor(() => {
    expect(sent).toHaveLength(4);
  });
  expect(sent[3]).not.toBe(sent[0]);
});

const scrollTo = (y: number) => {
  vi.spyOn(window, 'scrollY', 'get').mockReturnValue(y);
  act(() => {
    window.dispatchEvent(new Event('scroll'));
  });
};

test('where not everybody may post, the token is asked for, kept, and can be forgotten', async () => {
  const sent: [string | null, string | null][] = [];
  server.use(
    list('/api/query/posts', []),
    http.get('/api/query/posts/new', () => problem(504)),
    http.post('/api/posts/posts', ({ request }) => {
      const token = request.headers.get('Authorization');
      sent.push([token, request.headers.get('Idempotency-Key')]);
      return token === 'Bearer secret' ? HttpResponse.json({ ...aPost('new'), editToken: 'edit' }, { status: 201 }) : problem(401);
    }),
  );
  const { user } = show(<FeedPage />);
  await compose(user, 'Hello');
  const post = () => user.click(screen.getByRole('button', { name: 'Post' }));
  await post();
  const field = await screen.findByLabelText('Token for posting');
  expect(field).toHaveFocus();
  expect(field).toBeValid();
  expect(field).toHaveAccessibleDescription(/^Not everybody may post here/);
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();

  await user.type(field, ' wrong ');
  expect(field).toBeValid(); // it has not been tried
  await post();
  await waitFor(() => {
    expect(field).toBeInvalid();
  });
  expect(field).toHaveAccessibleDescription(/This token opens nothing here/);
  expect(field).toHaveFocus();
  expect(localStorage.getItem('newsfeed:poster')).toBeNull();

  await user.clear(field);
  await user.type(field, 'secret');
  await post();
  await screen.findByText('Your post is out.');
  expect(sent.map(([token]) => token)).toEqual([null, 'Bearer wrong', 'Bearer secret']);
  expect(new Set(sent.map(([, key]) => key)).size).toBe(1);

  await compose(user, 'Again');
  expect(screen.queryByLabelText('Token for posting')).not.toBeInTheDocument();
  await post();
  await waitFor(() => {
    expect(sent.at(-1)?.[0]).toBe('Bearer secret');
  });
  await compose(user, 'Once more');
  await user.click(screen.getByRole('button', { name: 'Forget the token' }));
  expect(screen.queryByRole('button', { name: 'Forget the token' })).not.toBeInTheDocument();
  expect(screen.getByLabelText('Title')).toHaveFocus(); // and not nothing
  await post();
  await screen.findByLabelText('Token for posting');
  expect(sent.at(-1)?.[0]).toBeNull();
});

test('a token that is kept and no longer valid is asked for anew', async () => {
  localStorage.setItem('newsfeed:poster', '"old"');
  server.use(
    list('/api/query/posts', []),
    http.post('/api/posts/posts', () => problem(403)),
  );
  const { user } = show(<FeedPage />);
  await compose(user, 'Hello');
  await user.click(screen.getByRole('button', { name: 'Post' }));
  expect(await screen.findByLabelText('Token for posting')).toBeInvalid();
});

function Back() {
  const navigate = useNavigate();
  return <button onClick={() => void navigate(-1)}>back</button>;
}

test('new posts wait while something further down is read, and come when they are asked for', async () => {
  const scrolled = vi.spyOn(window, 'scrollTo').mockReturnValue();
  server.use(list('/api/query/posts', [aPost('old')]));
  const { client, user } = show(<FeedPage />);
  await screen.findByText('Title of old');
  const arrive = (id: string, at: number) => {
    act(() => {
      applyChange(client, { type: 'post', data: aPost(id, { createdAt: when(at) }) });
    });
  };
  arrive('seen', 1);
  expect(await screen.findByText('Title of seen')).toBeVisible(); // at the top they are watched
  scrollTo(900);
  arrive('x', 2);
  arrive('y', 3);
  expect(await screen.findByRole('button', { name: '2 new posts' })).toBeVisible();
  expect(titles()).toEqual(['Title of seen', 'Title of old']);
  await user.click(screen.getByRole('button', { name: '2 new posts' }));
  expect(scrolled).toHaveBeenLastCalledWith(expect.objectContaining({ top: 0 }));
  scrollTo(0); // which jsdom does not do
  expect(titles()).toEqual(['Title of y', 'Title of x', 'Title of seen', 'Title of old']);
  expect(screen.queryByRole('button', { name: /new post/ })).not.toBeInTheDocument();

  scrollTo(900);
  arrive('z', 4);
  expect(await screen.findByRole('button', { name: '1 new post' })).toBeVisible();
  scrollTo(0); // who goes up by themselves sees them there
  expect(await screen.findByText('Title of z')).toBeVisible();
});

test('what arrives while a post is read still waits when the person comes back', async () => {
  const posts = Array.from({ length: 10 }, (_, i) => aPost(`p${i}`, { createdAt: when(100 - i) }));
  server.use(list('/api/query/posts', posts));
  const { client, user } = show(
    <Routes>
      <Route index element={<FeedPage />} />
      <Route path="posts/:id" element={<Back />} />
    </Routes>,
  );
  await screen.findByText('Title of p9');
  scrollTo(900);
  await user.click(screen.getByRole('link', { name: 'Title of p5' }));
  scrollTo(0);
  for (const id of ['x', 'y']) applyChange(client, { type: 'post', data: aPost(id, { createdAt: when(200) }) });
  vi.spyOn(window, 'scrollTo').mockImplementation(() => {
    vi.spyOn(window, 'scrollY', 'get').mockReturnValue(900);
  });
  await user.click(screen.getByRole('button', { name: 'back' }));
  expect(await screen.findByRole('button', { name: '2 new posts' })).toBeVisible();
  expect(titles()[0]).toBe('Title of p0');
  scrollTo(0);
  expect(titles().slice(0, 2)).toEqual(['Title of y', 'Title of x']);
});

test('of very many posts only those near are there', async () => {
  const posts = Array.from({ length: 500 }, (_, i) => aPost(`p${i}`, { createdAt: when(1000 - i) }));
  server.use(list('/api/query/posts', posts));
  show(<FeedPage />);
  await screen.findByText('Title of p0');
  expect(screen.getAllByRole('article').length).toBeLessThan(100);
  expect(screen.getAllByRole('listitem')[0]).toHaveAttribute('aria-setsize', '500');
});

test('a page that does not come says so, and what is loaded stays', async () => {
  server.use(
    http.get('/api/query/posts', ({ request }) =>
      new URL(request.url).searchParams.has('cursor')
        ? problem(500)
        : HttpResponse.json([aPost('b')], { headers: { Link: '<?cursor=x>; rel="next"' } }),
    ),
  );
  show(<FeedPage />);
  expect(await screen.findByRole('alert')).toBeVisible();
  expect(screen.getByText('Title of b')).toBeVisible();
  expect(screen.getByRole('button', { name: 'Try again' })).toBeVisible();
});

test('a text can be looked at before it is sent, and says how much room is left', async () => {
  server.use(list('/api/query/posts', []));
  const { user } = show(<FeedPage />);
  await compose(user, 'Hello');
  expect(screen.getByText('295 left')).toBeVisible();
  await user.type(screen.getByLabelText(/^Text/), 'so **bold**');
  await user.click(screen.getByRole('button', { name: 'Preview' }));
  expect(within(screen.getByRole('region', { name: 'Text, as it will look' })).getByText('bold').localName).toBe('strong');
  expect(screen.queryByLabelText(/^Text opt/)).not.toBeInTheDocument();
  await user.click(screen.getByRole('button', { name: 'Preview' }));
  expect(screen.getByLabelText(/^Text/)).toHaveValue('so **bold**');
});
