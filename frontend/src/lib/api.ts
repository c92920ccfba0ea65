import { ApiError, request, type Answer, type Options } from './http';

export type Status = 'pending' | 'approved' | 'rejected' | 'flagged';

/** A comment as everybody sees it: without text and author until it is approved. */
export interface Comment {
  id: string;
  content: string;
  author: string;
  status: Status;
  createdAt: string;
  version: number;
}

/** A comment as its author sees it: with its text, and why it was not approved. */
export interface OwnComment extends Comment {
  postId: string;
  reason?: string;
  note?: string;
}

export interface Post {
  id: string;
  title: string;
  body: string;
  author: string;
  createdAt: string;
  version: number;
  /** Of approved ones. */
  commentCount: number;
  /** The latest, of every status, in the order in which they were written. */
  comments: Comment[];
}

export interface NewPost {
  title: string;
  body: string;
  author: string;
}

export interface NewComment {
  content: string;
  author: string;
}

/** What comes once with something new: the right to change it. */
export interface EditToken {
  editToken: string;
}

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

const posts = '/api/posts';
const comments = '/api/comments';
const query = '/api/query';

/** Where changes are told of as they happen. */
export const streamPath = `${query}/posts/stream`;

/** The feed, newest first. */
export function listPosts(cursor: string | undefined, { signal }: Read = {}): Promise<Page<Post>> {
  return page(`${query}/posts`, cursor, signal);
}

/** One post; with a version it waits a little until that one can be seen. */
export function getPost(id: string, { signal, version }: Read & { version?: number } = {}): Promise<Post> {
  const wait = version === undefined ? '' : `?version=${version}&wait=2s`;
  return answer(`${query}/posts/${encodeURIComponent(id)}${wait}`, { signal });
}

/** The comments of a post, oldest first. */
export function listComments(
  postId: string,
  cursor: string | undefined,
  { signal }: Read = {},
): Promise<Page<Comment>> {
  return page(`${query}/posts/${encodeURIComponent(postId)}/comments`, cursor, signal);
}

/** A comment as the holder of its token sees it. */
export function getOwnComment(id: string, token: string, { signal }: Read = {}): Promise<OwnComment> {
  return answer(`${comments}/comments/${encodeURIComponent(id)}`, { headers: bearer(token), signal });
}

export function createPost(input: NewPost, key: string): Promise<Omit<Post, 'commentCount' | 'comments'> & EditToken> {
  return create(`${posts}/posts`, input, key);
}

export function createComment(postId: string, input: NewComment, key: string): Promise<OwnComment & EditToken> {
  return create(`${comments}/posts/${encodeURIComponent(postId)}/comments`, input, key);
}

/** What is not a comment's or post's own token is refused. */
export function editPost(id: string, token: string, input: NewPost): Promise<Omit<Post, 'commentCount' | 'comments'>> {
  return answer(`${posts}/posts/${encodeURIComponent(id)}`, { method: 'PATCH', body: input, headers: bearer(token) });
}

export function editComment(id: string, token: string, input: NewComment): Promise<OwnComment> {
  const path = `${comments}/comments/${encodeURIComponent(id)}`;
  return answer(path, { method: 'PATCH', body: input, headers: bearer(token) });
}

/** Deletes a post or comment, even if the page is about to be closed. That it is gone already is as good. */
export async function remove(kind: 'post' | 'comment', id: string, token: string): Promise<void> {
  const path = `${kind === 'post' ? posts : comments}/${kind}s/${encodeURIComponent(id)}`;
  try {
    await request(path, { method: 'DELETE', headers: bearer(token), keepalive: true });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** The same key with the same body makes one thing, however often it is sent. */
function create<T>(path: string, body: unknown, key: string): Promise<T> {
  return answer(path, { method: 'POST', body, headers: { 'Idempotency-Key': key } });
}

async function answer<T>(path: string, options: Options): Promise<T> {
  return ((await request(path, options)) as Answer<T>).data;
}

async function page<T>(path: string, cursor: string | undefined, signal: AbortSignal | undefined): Promise<Page<T>> {
  const search = cursor === undefined ? '' : `?cursor=${encodeURIComponent(cursor)}`;
  const { data, headers } = (await request(path + search, { signal })) as Answer<T[]>;
  return { items: data, next: nextCursor(headers.get('Link')) };
}

/** Reads the cursor of the next page from a Link header (RFC 8288). */
export function nextCursor(link: string | null): string | undefined {
  const target = link?.match(/<([^>]*)>\s*;\s*rel="?next"?/)?.[1];
  if (target === undefined) return undefined;
  return new URL(target, 'http://any').searchParams.get('cursor') ?? undefined;
}
