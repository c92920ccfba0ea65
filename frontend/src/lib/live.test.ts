import { InfiniteQueryObserver, QueryObserver } from '@tanstack/react-query';
import { delay, http, HttpResponse } from 'msw';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { aPost, server, when } from '@/test/server';

import type { Post } from './api';
import { follow, type LiveStatus } from './live';
import { createQueryClient, feedQuery, keys, postQuery, type Pages } from './queries';

/** The browser's end of a stream. */
class Source extends EventTarget {
  static readonly CLOSED = 2;
  static all: Source[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    Source.all.push(this);
  }

  open() {
    this.readyState = 1;
    this.onopen?.();
  }

  fail(readyState: number) {
    this.readyState = readyState;
    this.onerror?.();
  }

  send(type: string, data: unknown) {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  close() {
    this.readyState = Source.CLOSED;
  }
}

let client: ReturnType<typeof createQueryClient>;
let states: LiveStatus[];
let stop: () => void;
const latest = () => {
  const source = Source.all.at(-1);
  if (!source) throw new Error('no stream was opened');
  return source;
};

beforeEach(() => {
  Source.all = [];
  vi.stubGlobal('EventSource', Source);
  client = createQueryClient();
  states = [];
  stop = follow(client, (status) => states.push(status));
});

afterEach(() => {
  stop();
  client.clear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('changes are applied', () => {
  expect(latest().url).toBe('/api/query/posts/stream');
  latest().open();
  latest().send('post', aPost('p'));
  expect(client.getQueryData(keys.post('p'))).toEqual(aPost('p'));
  expect(states).toEqual(['live']);
});

test.each(['hello', 'resync'])('%s: everything is read anew', (type) => {
  client.setQueryData(keys.feed, 'pages');
  client.setQueryData(keys.own('c'), 'own');
  latest().send(type, {});
  expect(client.getQueryState(keys.feed)?.isInvalidated).toBe(true);
  expect(client.getQueryState(keys.own('c'))?.isInvalidated).toBe(true);
});

test('while the browser comes again by itself, no second stream is opened', () => {
  vi.useFakeTimers();
  latest().open();
  for (let i = 0; i < 6; i++) {
    latest().fail(0);
    vi.advanceTimersByTime(30_000);
  }
  expect(Source.all).toHaveLength(1);
  expect(states.at(-1)).toBe('away');
  latest().open();
  expect(states.at(-1)).toBe('live');
});

test('where the browser has given up, another stream is opened, ever later', () => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5); // waits just as long as planned
  for (const [i, wait] of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000].entries()) {
    latest().fail(Source.CLOSED);
    vi.advanceTimersByTime(wait - 1);
    expect(Source.all).toHaveLength(i + 1);
    vi.advanceTimersByTime(1);
    expect(Source.all).toHaveLength(i + 2);
  }
  latest().open();
  latest().fail(Source.CLOSED);
  vi.advanceTimersByTime(1000);
  expect(Source.all).toHaveLength(9);
});

test('back on line, it does not wait', () => {
  vi.useFakeTimers();
  latest().fail(Source.CLOSED);
  window.dispatchEvent(new Event('online'));
  expect(Source.all).toHaveLength(2);
  window.dispatchEvent(new Event('online')); // and not twice
  vi.advanceTimersByTime(30_000);
  expect(Source.all).toHaveLength(2);
});

test('stopped, it stays stopped', () => {
  vi.useFakeTimers();
  latest().fail(Source.CLOSED);
  stop();
  vi.advanceTimersByTime(60_000);
  window.dispatchEvent(new Event('online'));
  expect(Source.all).toHaveLength(1);
});

test('a stream that is silent for too long is given up for another', () => {
  vi.useFakeTimers();
  latest().open();
  for (let i = 0; i < 10; i++) {
    vi.advanceTimersByTime(30_000);
    latest().send('heartbeat', {});
  }
  vi.advanceTimersByTime(37_000);
  expect(Source.all).toHaveLength(1);
  const [silent] = Source.all;
  vi.advanceTimersByTime(1_000);
  expect(silent?.readyState).toBe(Source.CLOSED);
  expect(Source.all).toHaveLength(2);
  expect(states).toEqual(['live', 'away']);
  latest().open();
  expect(states).toEqual(['live', 'away', 'live']);
});

test('so is one that does not come about', () => {
  vi.useFakeTimers();
  stop();
  stop = follow(client, () => undefined);
  const [, silent] = Source.all;
  vi.advanceTimersByTime(40_000);
  expect(silent?.readyState).toBe(Source.CLOSED);
  expect(Source.all).toHaveLength(3);
});

const look = (at: 'visible' | 'hidden') => {
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(at);
  document.dispatchEvent(new Event('visibilitychange'));
};

// A browser has six connections to a server, for all its tabs.
test('a page that nobody looks at has no stream', () => {
  vi.useFakeTimers();
  latest().open();
  look('hidden');
  vi.advanceTimersByTime(4_000);
  look('visible'); // soon enough
  vi.advanceTimersByTime(10_000);
  expect(latest().readyState).toBe(1);
  look('hidden');
  vi.advanceTimersByTime(6_000);
  expect(latest().readyState).toBe(Source.CLOSED);
  vi.advanceTimersByTime(60_000);
  window.dispatchEvent(new Event('online'));
  expect(Source.all).toHaveLength(1);
  look('visible');
  expect(Source.all).toHaveLength(2);
  latest().open();
  expect(states).toEqual(['live', 'connecting', 'live']);
});

test('nor does it come again while nobody looks', () => {
  vi.useFakeTimers();
  for (let i = 0; i < 6; i++) {
    latest().fail(Source.CLOSED);
    vi.advanceTimersByTime(20_000);
  }
  const opened = Source.all.length;
  latest().fail(Source.CLOSED);
  look('hidden');
  vi.advanceTimersByTime(60_000);
  expect(Source.all).toHaveLength(opened);
});

test('a page that opens behind others has a stream when it is looked at', () => {
  stop();
  Source.all = [];
  look('hidden');
  stop = follow(client, () => undefined);
  expect(Source.all).toHaveLength(0);
  look('visible');
  expect(Source.all).toHaveLength(1);
});

// The answer was made before the change, and comes after it.
test('to an answer that a change has overtaken, the change is made again', async () => {
  const now = aPost('p', { title: 'New', version: 2 });
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  server.use(
    http.get('/api/query/posts/p', async () => {
      asked++;
      await held;
      return HttpResponse.json(aPost('p', { title: 'Old', version: 1 }));
    }),
  );
  const seen: (Post | null | undefined)[] = [];
  const stopObserving = new QueryObserver(client, postQuery(client, 'p')).subscribe(({ data }) => seen.push(data));
  await vi.waitFor(() => {
    expect(asked).toBe(1);
  });
  latest().send('post', now);
  expect(client.getQueryData(keys.post('p'))).toEqual(now);
  answer();
  await vi.waitFor(() => {
    expect(client.isFetching()).toBe(0);
  });
  expect(client.getQueryData(keys.post('p'))).toEqual(now);
  expect(asked).toBe(1);
  stopObserving();
});

test('what is read anew has none of the changes from before a gap', async () => {
  let asked = 0;
  server.use(http.get('/api/query/posts/p', () => HttpResponse.json(aPost('p', { version: 1, title: `Answer ${++asked}` }))));
  const stopObserving = new QueryObserver(client, postQuery(client, 'p')).subscribe(() => undefined);
  latest().send('post', aPost('p', { title: 'Gone over the gap', version: 2 }));
  latest().send('resync', {});
  await vi.waitFor(() => {
    expect(client.getQueryData<Post>(keys.post('p'))?.title).toMatch(/^Answer/);
  });
  stopObserving();
});

test('while much changes, nothing is read over and over', async () => {
  let asked = 0;
  let changing = true;
  server.use(
    http.get('/api/query/posts', async ({ request }) => {
      asked++;
      await delay(20);
      const from = Number(new URL(request.url).searchParams.get('cursor') ?? 40);
      const next = from > 20 ? { headers: { Link: `<?cursor=${from - 20}>; rel="next"` } } : undefined;
      return HttpResponse.json([aPost(`p${from}`, { createdAt: when(from) })], next);
    }),
  );
  const observer = new InfiniteQueryObserver(client, feedQuery);
  const stopObserving = observer.subscribe(() => undefined);
  await vi.waitFor(() => {
    expect(observer.getCurrentResult().hasNextPage).toBe(true);
  });
  await observer.fetchNextPage();
  expect(asked).toBe(2);
  latest().send('resync', {});
  for (let version = 2; changing; version++) {
    latest().send('post', aPost('p40', { createdAt: when(40), title: `Title ${version}`, version }));
    await delay(5);
    changing = version < 60;
  }
  await vi.waitFor(() => {
    expect(client.isFetching()).toBe(0);
  });
  expect(asked).toBe(4);
  expect(client.getQueryData<Pages<Post>>(keys.feed)?.pages[0]?.items[0]?.title).toBe('Title 60');
  stopObserving();
});
