import { ApiError, request, type Answer, type Options } from './http';
import type * as comments from './openapi/comments';
import type * as posts from './openapi/posts';
import type * as view from './openapi/query';

/** What an operation of a document answers when all is well. */
export type Answered<Op> = Op extends { responses: infer R } ? Body<R[keyof R & (200 | 201 | 202)]> : never;
type Body<Response> = Response extends { content: { 'application/json': infer T } } ? T : never;

/** The parameters in the query of an operation. */
export type Search<Op> = Op extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;

/** All that can be given, as a form has it: nothing is left out. */
type Filled<T> = { [K in keyof T]-?: NonNullable<T[K]> };

export type Status = view.components['schemas']['Status'];

/** A comment as everybody sees it: without text and author until it is approved. */
export type Comment = view.components['schemas']['Comment'];

/** A comment as its author sees it: with its text, and why it was not approved. */
export type OwnComment = Answered<comments.operations['getComment']>;

/** A post, the number of its approved comments, and the latest of every status, in posting order. */
export type Post = Answered<view.operations['getPost']>;

export type NewPost = Filled<posts.components['schemas']['NewPost']>;
export type NewComment = Filled<comments.components['schemas']['NewComment']>;

/** Part of a list, and the cursor of the next part if there is one. */
export interface Page<T> {
  items: T[];
  next: string | undefined;
}

/** The limits of the services, in characters. */
export const limits = { title: 300, body: 20_000, author: 80, content: 5_000 };

interface Read {
  signal?: AbortSignal | undefined;
}

interface ReadPart extends Read {
  /** How many at most, up to 100; 20 if it is not said. */
  limit?: number | undefined;
}

const paths = { posts: '/api/posts', comments: '/api/comments', query: '/api/query' };

/** Where changes are told of as they happen. */
export const streamPath = `${paths.query}/posts/stream`;

/** The feed, newest first. */
export function listPosts(cursor: string | undefined, part: ReadPart = {}): Promise<Page<Post>> {
  return page(`${paths.query}/posts`, cursor, part);
}

/** One post; with a version it waits a little until that one can be seen. */
export function getPost(id: string, { signal, version }: Read & { version?: number } = {}): Promise<Post> {
  const wait = search<view.operations['getPost']>(version === undefined ? {} : { version, wait: '2s' });
  return answer(`${paths.query}/posts/${encodeURIComponent(id)}${wait}`, { signal });
}

/** The comments of a post, oldest first. */
export function listComments(postId: string, cursor: string | undefined, part: ReadPart = {}): Promise<Page<Comment>> {
  return page(`${paths.query}/posts/${encodeURIComponent(postId)}/comments`, cursor, part);
}

/** A comment as the holder of its token sees it. */
export function getOwnComment(id: string, token: string, { signal }: Read = {}): Promise<OwnComment> {
  return answer(`${paths.comments}/comments/${encodeURIComponent(id)}`, { headers: bearer(token), signal });
}

/** The whole comment as everybody sees it, which elsewhere may be cut. */
export function getComment(id: string, { signal }: Read = {}): Promise<Answered<comments.operations['getComment']>> {
  return answer(`${paths.comments}/comments/${encodeURIComponent(id)}`, { signal });
}

/** Why a moderator took a post down, as its author is told; null if none did. */
export async function whyTakenDown(id: string, token: string, { signal }: Read = {}): Promise<string | null> {
  try {
    await request(`${paths.posts}/posts/${encodeURIComponent(id)}`, { headers: bearer(token), signal });
    return null;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    const [, why] = error.message.split('a moderator has taken this post down: ');
    return why ?? null;
  }
}

/** With a token where not everybody may, else ''. */
export function createPost(input: NewPost, key: string, token = ''): Promise<Answered<posts.operations['createPost']>> {
  return create(`${paths.posts}/posts`, input, key, token);
}

export function createComment(postId: string, input: NewComment, key: string): Promise<Answered<comments.operations['createComment']>> {
  return create(`${paths.comments}/posts/${encodeURIComponent(postId)}/comments`, input, key);
}

/** What is not a comment's or post's own token is refused. */
export function editPost(id: string, token: string, input: NewPost): Promise<Answered<posts.operations['editPost']>> {
  return answer(`${paths.posts}/posts/${encodeURIComponent(id)}`, { method: 'PATCH', body: input, headers: bearer(token) });
}

export function editComment(id: string, token: string, input: NewComment): Promise<OwnComment> {
  const path = `${paths.comments}/comments/${encodeURIComponent(id)}`;
  return answer(path, { method: 'PATCH', body: input, headers: bearer(token) });
}

/** Deletes a post or comment, even if the page is about to be closed. That it is gone already is as good. */
export async function remove(kind: 'post' | 'comment', id: string, token: string): Promise<void> {
  const path = `${kind === 'post' ? paths.posts : paths.comments}/${kind}s/${encodeURIComponent(id)}`;
  try {
    await request(path, { method: 'DELETE', headers: bearer(token), keepalive: true });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The same key with the same body makes one thing, however often it is sent. */
function create<T>(path: string, body: unknown, key: string, token = ''): Promise<T> {
  return answer(path, { method: 'POST', body, headers: { 'Idempotency-Key': key, ...(token && bearer(token)) } });
}

async function answer<T>(path: string, options: Options): Promise<T> {
  return ((await request(path, options)) as Answer<T>).data;
}

async function page<T>(path: string, cursor: string | undefined, { limit, signal }: ReadPart): Promise<Page<T>> {
  const part = search<view.operations['feed' | 'listComments']>({
    ...(cursor !== undefined && { cursor }),
    ...(limit !== undefined && { limit }),
  });
  const { data, headers } = (await request(path + part, { signal })) as Answer<T[]>;
  return { items: data, next: nextCursor(headers.get('Link')) };
}

/** Makes the query of an address, of parameters that the operation has. */
export function search<Op>(parameters: Search<Op>): string {
  const given = Object.entries(parameters);
  const all = new URLSearchParams(given.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]));
  return all.size > 0 ? `?${all}` : '';
}

/** Reads from a Link header (RFC 8288) the parameter that says where the next page begins. */
export function nextCursor(link: string | null, parameter = 'cursor'): string | undefined {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="?next"?/)?.[1];
  if (target === undefined) return undefined;
  return new URL(target, 'http://any').searchParams.get(parameter) ?? undefined;
}
