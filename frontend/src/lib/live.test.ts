import { QueryObserver } from '@tanstack/react-query';
import { http, HttpResponse } from 'msw';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { aPost, server } from '@/test/server';

import type { Post } from './api';
import { follow, type LiveStatus } from './live';
import { createQueryClient, keys, postQuery } from './queries';

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
  latest().fail(0);
  vi.advanceTimersByTime(60_000);
  expect(Source.all).toHaveLength(1);
  latest().open();
  expect(states).toEqual(['live', 'away', 'live']);
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
  vi.advanceTimersByTime(60_000);
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

// The answer was made before the change, and comes after it.
test('an answer that a change has overtaken is read again', async () => {
  const now = aPost('p', { title: 'New', version: 2 });
  const answers = [aPost('p', { title: 'Old', version: 1 }), now];
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  server.use(
    http.get('/api/query/posts/p', async () => {
      const which = answers[asked++];
      if (asked === 1) await held;
      return HttpResponse.json(which);
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
    expect(asked).toBe(2);
    expect(client.getQueryData(keys.post('p'))).toEqual(now);
    expect(client.isFetching()).toBe(0);
  });
  stopObserving();
});
