import { http, HttpResponse, type JsonBodyType } from 'msw';
import { setupServer } from 'msw/node';

import type { Comment, OwnComment, Post } from '@/lib/api';
import type { FieldError } from '@/lib/http';

/** Stands for the services. What a test does not say is an error. */
export const server = setupServer();

const when = (seconds: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, seconds)).toISOString();

export const aPost = (id: string, more: Partial<Post> = {}): Post => ({
  id,
  title: `Title of ${id}`,
  body: `Body of ${id}`,
  author: 'ann',
  createdAt: when(0),
  version: 1,
  commentCount: 0,
  comments: [],
  ...more,
});

export const aComment = (id: string, more: Partial<Comment> = {}): Comment => ({
  id,
  content: `Content of ${id}`,
  author: 'bob',
  status: 'approved',
  createdAt: when(0),
  version: 2,
  ...more,
});

/** As everybody sees a comment that is not approved. */
export const blank = (id: string, more: Partial<Comment> = {}) =>
  aComment(id, { content: '', author: '', status: 'pending', version: 1, ...more });

export const anOwn = (id: string, postId: string, more: Partial<OwnComment> = {}): OwnComment => ({
  ...aComment(id, { status: 'pending', version: 1 }),
  postId,
  ...more,
});

export { when };

/** Answers GET path with a list, and says where it goes on. */
export const list = (path: string, items: JsonBodyType[], next?: string) =>
  http.get(path, () =>
    HttpResponse.json(items, next ? { headers: { Link: `<?cursor=${next}&limit=20>; rel="next"` } } : undefined),
  );

export const problem = (status: number, errors?: FieldError[], headers: Record<string, string> = {}) =>
  HttpResponse.json(
    { type: 'urn:newsfeed:problem:any', title: 'Any', status, detail: 'in detail', ...(errors && { errors }) },
    { status, headers: { 'Content-Type': 'application/problem+json', ...headers } },
  );
