import { act, screen, waitFor, within } from '@testing-library/react';
import { http, HttpResponse } from 'msw';
import { Route, Routes } from 'react-router';
import { expect, test } from 'vitest';

import { problem, server, when } from '@/test/server';
import { show } from '@/test/show';

import type { Held } from './api';
import ModerationPage from './ModerationPage';

const root = '/api/moderator/moderation';

const aHeld = (id: string, more: Partial<Held> = {}): Held => ({
  id,
  postId: 'p',
  postTitle: 'The post',
  content: `Content of ${id}`,
  author: 'bob',
  version: 1,
  entry: '1-0',
  rule: 'links',
  reason: 'many links',
  since: when(0),
  ...more,
});

/** A moderator with a queue that decisions change; what was decided is in the list returned. */
const moderate = (queue: Held[]) => {
  const orders: Record<string, unknown>[] = [];
  let waiting = queue;
  server.use(
    http.get(`${root}/summary`, () => HttpResponse.json({ held: waiting.length, overdue: false, you: 'ann' })),
    http.get(`${root}/queue`, () => HttpResponse.json(waiting)),
    http.post(`${root}/queue/:id/claim`, () => HttpResponse.json({ by: 'ann', until: when(0) })),
    http.delete(`${root}/queue/:id/claim`, () => new HttpResponse(null, { status: 204 })),
    http.post(`${root}/decisions`, async ({ request }) => {
      const order = (await request.json()) as Record<string, unknown>;
      orders.push(order);
      waiting = order.status === 'flagged' ? queue : waiting.filter(({ id }) => id !== order.commentId);
      return HttpResponse.json({ commentId: order.commentId, code: 200, status: order.status });
    }),
  );
  return orders;
};

const showAt = (at: string) =>
  show(
    <Routes>
      <Route path="moderation/*" element={<ModerationPage />} />
    </Routes>,
    at,
  );

const chosen = () => document.querySelector('[aria-current=true]')?.textContent;
const contents = () => screen.queryAllByText(/^Content of/).map((text) => text.textContent);

test('the queue is gone through with the keyboard, and the last decision undone', async () => {
  const orders = moderate([aHeld('a'), aHeld('b'), aHeld('c')]);
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jj');
  expect(chosen()).toContain('Content of b');
  expect(document.activeElement?.textContent).toContain('Content of b');
  await user.keyboard('k');
  expect(chosen()).toContain('Content of a');
  await user.keyboard('a');
  await waitFor(() => {
    expect(orders).toEqual([{ commentId: 'a', version: 1, status: 'approved', reason: '', note: '' }]);
  });
  expect(contents()).toEqual(['Content of b', 'Content of c']);
  expect(chosen()).toContain('Content of b');
  expect(screen.getByText('Approved.')).toBeVisible();
  await user.keyboard('u');
  await waitFor(() => {
    expect(contents()).toEqual(['Content of a', 'Content of b', 'Content of c']);
  });
  expect(orders[1]).toEqual({ commentId: 'a', version: 1, status: 'flagged', reason: 'many links', note: '' });
});

test('until one is chosen no key decides, nor does one with Shift', async () => {
  const orders = moderate([aHeld('a'), aHeld('b')]);
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('ar');
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
  await user.keyboard('j{Shift>}a{/Shift}');
  expect(contents()).toEqual(['Content of a', 'Content of b']);
  expect(orders).toEqual([]);
});

test('when the chosen comment is gone, or is another text, no other is decided on in its place', async () => {
  let queue = [aHeld('a'), aHeld('b'), aHeld('c')];
  const orders = moderate(queue);
  server.use(http.get(`${root}/queue`, () => HttpResponse.json(queue)));
  const { user, client } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jj');
  queue = [aHeld('a'), aHeld('c')]; // somebody else has decided
  await client.invalidateQueries();
  expect(await screen.findByText(/is no longer here/)).toBeVisible();
  await user.keyboard('a');
  expect(orders).toEqual([]);
  await user.keyboard('j'); // from where it was
  expect(chosen()).toContain('Content of c');
  expect(screen.queryByText(/is no longer here/)).not.toBeInTheDocument();
  queue = [aHeld('a'), aHeld('c', { entry: '2-0', version: 2, content: 'Content of another c' })];
  await client.invalidateQueries();
  await screen.findByText('Content of another c');
  await user.keyboard('a');
  expect(screen.getByText(/is no longer here/)).toBeVisible();
  await user.keyboard('k');
  expect(chosen()).toContain('Content of a');
  expect(orders).toEqual([]);
});

test('keys go on when the comment of an open dialog is gone', async () => {
  let queue = [aHeld('a'), aHeld('b')];
  const orders = moderate(queue);
  server.use(http.get(`${root}/queue`, () => HttpResponse.json(queue)));
  const { user, client } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jr');
  expect(screen.getByRole('dialog')).toBeVisible();
  queue = [aHeld('b')];
  await client.invalidateQueries();
  await waitFor(() => {
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
  });
  await user.keyboard('ja');
  await waitFor(() => {
    expect(orders).toMatchObject([{ commentId: 'b', status: 'approved' }]);
  });
});

test('the comment in which the focus is is the one that keys decide on', async () => {
  const orders = moderate([aHeld('a'), aHeld('b'), aHeld('c')]);
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  act(() => {
    screen.getAllByRole('button', { name: 'Reject' })[2]?.focus();
  });
  expect(chosen()).toContain('Content of c');
  await user.keyboard('a');
  await waitFor(() => {
    expect(orders).toMatchObject([{ commentId: 'c', status: 'approved' }]);
  });
  expect(chosen()).toContain('Content of b');
});

test('undoing waits for the decision, is sent once, and can be tried again', async () => {
  const orders = moderate([aHeld('a'), aHeld('b')]);
  server.use(http.post(`${root}/decisions`, () => problem(503, undefined, { 'Retry-After': '1' }), { once: true }));
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jauu');
  const statuses = () => orders.map(({ status }) => status);
  await waitFor(() => {
    expect(statuses()).toEqual(['approved', 'flagged']);
  });
  await waitFor(() => {
    expect(contents()).toEqual(['Content of a', 'Content of b']);
  });
  await user.click(screen.getAllByRole('button', { name: 'Approve' })[0] ?? document.body);
  await waitFor(() => {
    expect(statuses()).toEqual(['approved', 'flagged', 'approved']);
  });
  server.use(http.post(`${root}/decisions`, () => problem(500), { once: true }));
  await user.keyboard('u');
  expect(await screen.findByRole('alert')).toBeVisible();
  expect(contents()).toEqual(['Content of b']);
  await user.keyboard('u');
  await waitFor(() => {
    expect(contents()).toEqual(['Content of a', 'Content of b']);
  });
  expect(statuses()).toEqual(['approved', 'flagged', 'approved', 'flagged']);
});

test('a decision that was refused has nothing to be undone', async () => {
  const orders = moderate([aHeld('a')]);
  server.use(http.post(`${root}/decisions`, () => problem(409), { once: true }));
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jau');
  expect(await screen.findByRole('alert')).toHaveTextContent('in detail');
  expect(contents()).toEqual(['Content of a']);
  expect(orders).toEqual([]);
});

test('a rejection has a reason and a note; what is typed there is no shortcut', async () => {
  const orders = moderate([aHeld('a')]);
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jr');
  const form = screen.getByRole('form', { name: 'Why is it rejected?' });
  await user.click(within(form).getByLabelText('insulting'));
  await user.type(within(form).getByLabelText(/^Note/), 'jauk');
  within(form).getByRole('button', { name: 'Cancel' }).focus();
  await user.keyboard('a'); // nor is it where nothing is typed: the dialog is before the queue
  expect(orders).toEqual([]);
  await user.click(within(form).getByRole('button', { name: 'Reject' }));
  await waitFor(() => {
    expect(orders).toEqual([{ commentId: 'a', version: 1, status: 'rejected', reason: 'insulting', note: 'jauk' }]);
  });
  expect(await screen.findByText('Nothing is waiting')).toBeVisible();
});

test('the dialog of a rejection holds the focus, and Escape gives it back', async () => {
  moderate([aHeld('a')]);
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jr');
  const dialog = screen.getByRole('dialog', { name: 'Why is it rejected?' });
  expect(dialog).toContainElement(document.activeElement as HTMLElement);
  for (let i = 0; i < 12; i++) {
    await user.tab();
    expect(dialog).toContainElement(document.activeElement as HTMLElement);
  }
  await user.keyboard('{Escape}');
  expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
  await waitFor(() => {
    expect(document.activeElement?.textContent).toContain('Content of a');
  });
  expect(document.activeElement?.localName).toBe('li');
});

test('shortcuts can be turned off', async () => {
  const orders = moderate([aHeld('a')]);
  const { user } = showAt('/moderation');
  await user.click(await screen.findByRole('checkbox', { name: 'Keyboard shortcuts' }));
  await screen.findByText('Content of a');
  await user.keyboard('a');
  expect(contents()).toEqual(['Content of a']);
  expect(orders).toEqual([]);
});

test('a rejection that does not arrive keeps its words', async () => {
  const orders = moderate([aHeld('a')]);
  server.use(http.post(`${root}/decisions`, () => problem(500), { once: true }));
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jr');
  await user.type(screen.getByLabelText(/^Note/), 'long thought about');
  await user.click(within(screen.getByRole('form')).getByRole('button', { name: 'Reject' }));
  expect(await screen.findByRole('alert')).toBeVisible();
  expect(contents()).toEqual(['Content of a']);
  await user.keyboard('jr');
  expect(screen.getByLabelText(/^Note/)).toHaveValue('long thought about');
  await user.click(within(screen.getByRole('form')).getByRole('button', { name: 'Reject' }));
  await waitFor(() => {
    expect(orders).toHaveLength(1);
  });
  await waitFor(() => {
    expect(localStorage.getItem('newsfeed:drafts')).toBe('{}');
  });
});

test('a decision that is refused has its comment come back, and says why', async () => {
  moderate([aHeld('a')]);
  server.use(http.post(`${root}/decisions`, () => problem(409)));
  const { user } = showAt('/moderation');
  await user.click(await screen.findByRole('button', { name: 'Approve' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('in detail');
  expect(contents()).toEqual(['Content of a']);
});

test('who is not signed in signs in, and is where they wanted to be', async () => {
  const guarded = (answer: () => Response) =>
    ({ request }: { request: Request }) =>
      request.headers.get('Authorization') === 'Bearer good' ? answer() : problem(401);
  server.use(
    http.get(`${root}/summary`, guarded(() => HttpResponse.json({ held: 0, overdue: false, you: 'ann' }))),
    http.get(`${root}/log`, guarded(() =>
      HttpResponse.json([
        { entry: '1-0', time: when(0), commentId: 'c', postId: 'p', moderator: 'rules', status: 'rejected', rule: 'banned words', content: 'the words' },
      ]),
    )),
  );
  const { user, client } = showAt('/moderation/log');
  await user.type(await screen.findByLabelText('Token'), 'bad');
  await user.click(screen.getByRole('button', { name: 'Sign in' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('opens nothing');
  await user.clear(screen.getByLabelText('Token'));
  await user.type(screen.getByLabelText('Token'), 'good');
  await user.click(screen.getByRole('button', { name: 'Sign in' }));
  expect(await screen.findByText('the words', { selector: 'p' })).toBeVisible();
  expect(screen.getByText('You are ann.')).toBeVisible();

  server.use(http.get(`${root}/summary`, () => problem(401))); // the token was replaced
  await client.invalidateQueries();
  expect(await screen.findByLabelText('Token')).toBeVisible();
  expect(screen.queryByText('the words', { selector: 'p' })).not.toBeInTheDocument();
});

test('the log goes on where its first page ends', async () => {
  moderate([]);
  const entry = (content: string) => ({ entry: '1-0', time: when(0), commentId: content, postId: 'p', moderator: 'rules', status: 'rejected', content });
  server.use(
    http.get(`${root}/log`, ({ request }) => {
      const { searchParams } = new URL(request.url);
      expect(searchParams.get('status')).toBe('rejected');
      if (searchParams.get('before') === '7-0') return HttpResponse.json([entry('older')]);
      return HttpResponse.json([entry('newer')], { headers: { Link: '<?status=rejected&before=7-0>; rel="next"' } });
    }),
  );
  server.use(http.get(`${root}/log`, () => HttpResponse.json([]), { once: true }));
  const { user } = showAt('/moderation/log');
  expect(await screen.findByText('Nothing has been decided yet.')).toBeVisible();
  await user.selectOptions(screen.getByLabelText('Show'), 'Rejected');
  expect(await screen.findByText('newer', { selector: 'p' })).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Show earlier decisions' }));
  expect(await screen.findByText('older', { selector: 'p' })).toBeVisible();
  expect(screen.getByText('newer', { selector: 'p' })).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Show earlier decisions' })).not.toBeInTheDocument();
});

test('the rules in force, and what they say of a text', async () => {
  moderate([]);
  server.use(
    http.get(`${root}/rules`, () =>
      HttpResponse.json({
        source: 'file',
        loaded: when(0),
        error: 'line 3: no such condition',
        rules: [{ name: 'banned words', words: ['terrorism', 'racism'], then: 'reject', reason: 'banned' }],
        otherwise: 'approve',
      }),
    ),
    http.post(`${root}/check`, async ({ request }) => {
      expect(await request.json()).toEqual({ content: 'Racism!', author: '' });
      return HttpResponse.json({ status: 'rejected', reason: 'banned', rule: 'banned words' });
    }),
  );
  const { user } = showAt('/moderation/rules');
  expect(await screen.findByText('terrorism, racism')).toBeVisible();
  expect(screen.getByText('line 3: no such condition')).toBeVisible();
  await user.type(screen.getByLabelText('Text'), 'Racism!');
  await user.click(screen.getByRole('button', { name: 'Try it' }));
  expect(await screen.findByText('Rejected')).toBeVisible();
  expect(screen.getByText(/Rule “banned words” · banned/)).toBeVisible();
});

test('what was decided is decided anew in the log, on the newest verdict of a comment', async () => {
  const orders = moderate([]);
  const entry = (n: number, status: string, more = {}) =>
    ({ entry: `${n}-0`, time: when(n), commentId: 'c', postId: 'p', moderator: 'rules', status, content: 'the words', version: 1, ...more });
  const log = [entry(2, 'approved'), entry(1, 'flagged'), entry(0, 'approved', { commentId: 'foreign', version: undefined })];
  server.use(http.get(`${root}/log`, () => HttpResponse.json(orders.length > 0 ? [entry(3, 'rejected', { moderator: 'ann' }), ...log] : log)));
  const { user } = showAt('/moderation/log');
  await user.click(await screen.findByRole('button', { name: 'Reject: the words' }));
  expect(screen.queryByRole('button', { name: /^Approve/ })).not.toBeInTheDocument();
  expect(screen.getByRole('dialog', { name: 'Why is it rejected?' })).toContainElement(document.activeElement as HTMLElement);
  await user.keyboard('{Escape}');
  expect(screen.getByRole('button', { name: 'Reject: the words' })).toHaveFocus();
  await user.keyboard('{Enter}');
  await user.click(within(screen.getByRole('form')).getByRole('button', { name: 'Reject' }));
  await waitFor(() => {
    expect(orders).toEqual([{ commentId: 'c', version: 1, status: 'rejected', reason: 'off topic', note: '' }]);
  });
  expect(await screen.findByRole('button', { name: 'Approve: the words' })).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Reject: the words' })).not.toBeInTheDocument();
  expect(screen.getByText('Rejected.')).toHaveFocus();
  expect(localStorage.getItem('newsfeed:drafts') ?? '{}').toBe('{}');

  server.use(http.post(`${root}/decisions`, () => problem(409), { once: true }));
  await user.click(screen.getByRole('button', { name: 'Approve: the words' }));
  expect(await screen.findByRole('alert')).toHaveTextContent('in detail');
  await user.click(screen.getByRole('button', { name: 'Approve: the words' }));
  await waitFor(() => {
    expect(orders[1]).toEqual({ commentId: 'c', version: 1, status: 'approved', reason: '', note: '' });
  });
  await waitFor(() => {
    expect(screen.queryByRole('alert')).not.toBeInTheDocument();
  });
});

test('the log of one comment', async () => {
  moderate([]);
  server.use(
    http.get(`${root}/log`, ({ request }) => {
      const of = new URL(request.url).searchParams.get('comment');
      return HttpResponse.json([{ entry: '1-0', time: when(0), commentId: 'c', postId: 'p', moderator: 'rules', status: 'rejected', content: `of ${of}` }]);
    }),
  );
  const { user } = showAt('/moderation/log?comment=c');
  expect(await screen.findByText('of c', { selector: 'p' })).toBeVisible();
  await user.click(screen.getByRole('link', { name: 'Show those of all comments' }));
  expect(await screen.findByText('of null', { selector: 'p' })).toBeVisible();
});

test('why nobody may moderate is told', async () => {
  server.use(http.get(`${root}/summary`, () => problem(403)));
  showAt('/moderation');
  expect(await screen.findByRole('alert')).toHaveTextContent('in detail');
});

/** What the moderator knows of blocks; what was asked for is in the list returned. */
const block = () => {
  const asked: unknown[] = [];
  let blocks: unknown[] = [];
  server.use(
    http.post(`${root}/blocks`, async ({ request }) => {
      const body = (await request.json()) as Record<string, unknown>;
      asked.push(body);
      const made = { id: 'b1', keys: ['k1'], by: 'ann', time: when(0), postId: 'p', reason: 'keeps at it', ...body };
      blocks = [made];
      return HttpResponse.json(made, { status: 201 });
    }),
    http.get(`${root}/blocks`, () => HttpResponse.json(blocks)),
    http.delete(`${root}/blocks/b1`, () => {
      asked.push('removed');
      blocks = [];
      return new HttpResponse(null, { status: 204 });
    }),
  );
  return asked;
};

test.each([
  ['h', 'hold', 'Comments from this author are held for a moderator from now on.'],
  ['b', 'reject', 'Comments from this author are rejected from now on.'],
])('one key blocks the author of the chosen comment, and no other: %s', async (key, then, says) => {
  const orders = moderate([aHeld('a'), aHeld('c', { authorKey: 'k1', networkKey: 'n1' })]);
  const asked = block();
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard(`${key}j${key}`); // nobody knows whose the first one is
  expect(asked).toEqual([]);
  await user.keyboard(`j${key}`);
  expect(await screen.findByText(says)).toBeVisible();
  expect(asked).toEqual([{ commentId: 'c', kind: 'author', then }]);
  expect(contents()).toEqual(['Content of a', 'Content of c']);
  await user.click(screen.getByRole('button', { name: 'Undo the block' }));
  await waitFor(() => {
    expect(screen.queryByText(says)).not.toBeInTheDocument();
  });
  expect(asked[1]).toBe('removed');
  expect(orders).toEqual([]);
});

test('buttons block the network too, and lead to the takedown of the post', async () => {
  moderate([aHeld('a', { authorKey: 'k1', networkKey: 'n1' })]);
  const asked = block();
  const { user } = showAt('/moderation');
  await user.click(await screen.findByText('Author, network, post…'));
  await user.click(screen.getByRole('button', { name: 'Hold the network from now on' }));
  expect(await screen.findByText('Comments from this network are held for a moderator from now on.')).toBeVisible();
  expect(asked).toEqual([{ commentId: 'a', kind: 'network', then: 'hold' }]);
  expect(screen.getByRole('link', { name: 'Take the post down' })).toHaveAttribute('href', '/moderation/posts/p');
});

test('blocks are listed, and removed', async () => {
  moderate([aHeld('a', { authorKey: 'k1' })]);
  const asked = block();
  const { user } = showAt('/moderation');
  await screen.findByText('Content of a');
  await user.keyboard('jb');
  await screen.findByText('Comments from this author are rejected from now on.');
  await user.click(screen.getByRole('link', { name: 'Blocks' }));
  expect(await screen.findByText('keeps at it')).toBeVisible();
  expect(screen.getByText('k1')).toBeVisible();
  await user.click(screen.getByRole('button', { name: /^Remove/ }));
  expect(await screen.findByText('Nobody is blocked')).toBeVisible();
  expect(screen.getByText('The block was removed.')).toBeVisible();
  expect(asked[1]).toBe('removed');
});

test('a post is taken down with a reason and a note', async () => {
  moderate([]);
  const asked: unknown[] = [];
  server.use(
    http.post(`${root}/posts/p/takedown`, async ({ request }) => {
      const body = (await request.json()) as Record<string, string>;
      asked.push(body);
      if (!body.reason) return problem(400, [{ pointer: '/reason', detail: 'must not be empty' }]);
      return HttpResponse.json({ postId: 'p', by: 'ann', time: when(0), ...body }, { status: 202 });
    }),
  );
  const { user } = showAt('/moderation/posts/p');
  await user.click(await screen.findByRole('button', { name: 'Take it down' }));
  expect(await screen.findByText('Reason must not be empty')).toBeVisible();
  await user.type(screen.getByLabelText('Reason'), 'spam');
  await user.type(screen.getByLabelText(/^Note for the author/), 'No.');
  await user.click(screen.getByRole('button', { name: 'Take it down' }));
  expect(await screen.findByText('The post was taken down.')).toBeVisible();
  expect(asked).toEqual([
    { reason: '', note: '' },
    { reason: 'spam', note: 'No.' },
  ]);
});

test('the log says what else was done, and offers no decision on it', async () => {
  moderate([]);
  const line = (action: string, more: object) => ({ entry: `${action.length}-0`, time: when(0), postId: 'p', moderator: 'ann', action, ...more });
  const of = { id: 'b1', kind: 'author', key: 'k1', then: 'reject' };
  server.use(
    http.get(`${root}/log`, () =>
      HttpResponse.json([
        line('takedown', { reason: 'spam' }),
        line('unblock', { commentId: 'c', block: of }),
        line('block', { commentId: 'c', block: of }),
      ]),
    ),
  );
  showAt('/moderation/log');
  for (const says of ['Post taken down', 'Author no longer blocked', 'Author blocked']) expect(await screen.findByText(says)).toBeVisible();
  expect(screen.queryByRole('button', { name: /^(Approve|Reject)/ })).not.toBeInTheDocument();
});
