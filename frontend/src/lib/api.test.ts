import { http, HttpResponse } from 'msw';
import { describe, expect, test } from 'vitest';

import { aComment, anOwn, aPost, list, problem, server } from '@/test/server';

import { createComment, createPost, getOwnComment, getPost, listComments, listPosts } from './api';
import { ApiError, retry } from './http';

const failure = async (promise: Promise<unknown>) => {
  const error: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof ApiError)) throw new Error(`not an ApiError: ${String(error)}`);
  return error;
};

describe('reading', () => {
  test('a page and the cursor of the next', async () => {
    server.use(list('/api/query/posts', [aPost('a')], 'MS4x'));
    expect(await listPosts(undefined)).toEqual({ items: [aPost('a')], next: 'MS4x' });
  });

  test('the cursor is passed on, and the last page has none', async () => {
    server.use(
      http.get('/api/query/posts/p/comments', ({ request }) => {
        expect(new URL(request.url).searchParams.get('cursor')).toBe('a+b/=');
        return HttpResponse.json([aComment('c')]);
      }),
    );
    expect(await listComments('p', 'a+b/=')).toEqual({ items: [aComment('c')], next: undefined });
  });

  test('a post that is to be as new as a version', async () => {
    server.use(
      http.get('/api/query/posts/:id', ({ request, params }) => {
        expect(new URL(request.url).search).toBe('?version=3&wait=2s');
        return HttpResponse.json(aPost(params.id as string));
      }),
    );
    expect((await getPost('a~b:c.d', { version: 3 })).id).toBe('a~b:c.d');
  });

  test('an own comment, by its token', async () => {
    server.use(
      http.get('/api/comments/comments/c', ({ request }) => {
        expect(request.headers.get('Authorization')).toBe('Bearer secret');
        return HttpResponse.json(anOwn('c', 'p'));
      }),
    );
    expect(await getOwnComment('c', 'secret')).toEqual(anOwn('c', 'p'));
  });
});

describe('writing', () => {
  test('sends the body and the key', async () => {
    const input = { title: 'Hello', body: 'text', author: '' };
    server.use(
      http.post('/api/posts/posts', async ({ request }) => {
        expect(request.headers.get('Idempotency-Key')).toBe('key');
        expect(request.headers.get('Content-Type')).toBe('application/json');
        expect(await request.json()).toEqual(input);
        return HttpResponse.json({ ...aPost('p'), editToken: 'token' }, { status: 201 });
      }),
    );
    expect((await createPost(input, 'key')).editToken).toBe('token');
  });

  test('a comment goes to its post', async () => {
    server.use(
      http.post('/api/comments/posts/p/comments', () =>
        HttpResponse.json({ ...anOwn('c', 'p'), editToken: 'token' }, { status: 201 }),
      ),
    );
    expect((await createComment('p', { content: 'x', author: '' }, 'key')).status).toBe('pending');
  });
});

describe('failing', () => {
  const answer = (response: HttpResponse<null | string> | ReturnType<typeof problem>) => {
    server.use(http.get('/api/query/posts', () => response));
    return failure(listPosts(undefined));
  };

  test('a problem document names the fields that are wrong', async () => {
    const error = await answer(
      problem(400, [
        { pointer: '/title', detail: 'must not be empty' },
        { pointer: '/title', detail: 'is a second thing' },
        { pointer: '/a~1b~0c', detail: 'is not known' },
        { parameter: 'limit', detail: 'must be a number' },
      ]),
    );
    expect(error).toMatchObject({ status: 400, passing: false, message: 'in detail' });
    expect(error.fields).toEqual({ title: 'must not be empty', 'a/b~c': 'is not known' });
  });

  test.each([
    [429, '7', 7_000],
    [503, '0', 0],
    [503, 'Thu, 01 Jan 1970 00:00:00 GMT', 0],
    [503, 'soon', undefined],
  ])('%i with Retry-After: %s is passing', async (status, value, retryAfter) => {
    expect(await answer(problem(status, undefined, { 'Retry-After': value }))).toMatchObject({
      status,
      passing: true,
      retryAfter,
    });
  });

  test('it is tried again when the server says, or else ever later, and not for ever', () => {
    const asked = new ApiError(429, undefined, 7_000);
    const silent = new ApiError(503);
    expect(retry.retryDelay(0, asked)).toBe(7_000);
    expect([0, 1, 2].map((failures) => retry.retryDelay(failures, silent))).toEqual([500, 1_000, 2_000]);
    expect([0, 2, 3].map((failures) => retry.retry(failures, silent))).toEqual([true, true, false]);
    expect(retry.retry(0, new ApiError(500))).toBe(false);
  });

  test.each([404, 401, 422, 500])('%i is not passing', async (status) => {
    expect((await answer(problem(status))).passing).toBe(false);
  });

  test('an answer of something between is no problem document', async () => {
    const error = await answer(HttpResponse.json({ title: 'not ours' }, { status: 502 }));
    expect(error).toMatchObject({ status: 502, passing: true, problem: undefined });
  });

  test('a problem document that is broken', async () => {
    const error = await answer(new HttpResponse('{', { status: 500, headers: { 'Content-Type': 'application/problem+json' } }));
    expect(error).toMatchObject({ status: 500, problem: undefined });
  });

  test('what is no JSON at all', async () => {
    expect(await answer(new HttpResponse('<h1>Log in to the network</h1>', { status: 200 }))).toMatchObject({ status: 200 });
  });

  test('no answer', async () => {
    server.use(http.get('/api/query/posts', () => HttpResponse.error()));
    expect(await failure(listPosts(undefined))).toMatchObject({ status: 0, passing: true, fields: {} });
  });

  test('a request that nobody wants any more is no failure of the server', async () => {
    server.use(list('/api/query/posts', []));
    const gone = new AbortController();
    gone.abort();
    await expect(listPosts(undefined, { signal: gone.signal })).rejects.not.toBeInstanceOf(ApiError);
  });
});
