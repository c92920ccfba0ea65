import type { QueryClient } from '@tanstack/react-query';

import type { Comment, OwnComment, Page, Post } from './api';
import type { components } from './openapi/query';
import { newestFirst, oldestFirst, type Order } from './order';
import { forget } from './own';
import { keys, type Pages } from './queries';

type Told = components['schemas'];

/** What the stream of changes tells: each is what is to be seen now. */
export type Change =
  | { type: 'post'; data: Told['Post'] }
  | { type: 'post-deleted'; data: Told['DeletedPost'] }
  | { type: 'comment'; data: Told['CommentChange'] }
  | { type: 'comment-deleted'; data: Told['DeletedComment'] };

/** As many of its latest comments come with a post: approved ones, and of the others those that are newer than the oldest of these. */
const previewed = 20;

/** Of the comments of a post, in posting order, those that come with it. */
function preview(comments: Comment[]): Comment[] {
  const approved = comments.filter(({ status }) => status === 'approved').slice(-previewed);
  const first = approved.length === previewed ? approved[0] : undefined;
  const others = comments.filter((comment) => comment.status !== 'approved' && (!first || oldestFirst(comment, first) > 0)).slice(-previewed);
  const kept = new Set([...approved, ...others]);
  return comments.filter((comment) => kept.has(comment));
}

/** Brings everything that is loaded up to date with a change. */
export function applyChange(client: QueryClient, change: Change): void {
  showChange(client, change);
  if (change.type === 'comment') void client.invalidateQueries({ queryKey: keys.own(change.data.comment.id) });
  if (change.type === 'comment-deleted') {
    // Also by somebody else: its author's page has it from elsewhere.
    put<OwnComment | null>(client, keys.own(change.data.id), (comment) => comment && null);
    forget('comment', change.data.id);
  }
}

/** Brings what is loaded of the public view up to date with a change, which may have been done before. */
export function showChange(client: QueryClient, change: Change): void {
  switch (change.type) {
    case 'post':
      showPost(client, change.data);
      break;
    case 'post-deleted':
      setFeed(client, (posts) => without(posts, change.data.id));
      put<Post | null>(client, keys.post(change.data.id), (post) => post && null);
      break;
    case 'comment': {
      const { postId, commentCount, comment } = change.data;
      setPost(client, postId, (post) => ({
        ...post,
        commentCount,
        comments: preview(withNewer(post.comments, comment, oldestFirst)),
      }));
      setPages<Comment>(client, keys.comments(postId), (comments, more) => insert(comments, comment, oldestFirst, more));
      // Only the beginning of a long text comes with a change; its own page shows the whole.
      if (comment.truncated) void client.invalidateQueries({ queryKey: keys.comments(postId) });
      break;
    }
    case 'comment-deleted': {
      const { postId, commentCount, id } = change.data;
      setPost(client, postId, (post) => ({ ...post, commentCount, comments: without(post.comments, id) }));
      setPages<Comment>(client, keys.comments(postId), (comments) => without(comments, id));
      break;
    }
  }
}

/** Puts a post where it belongs in what is loaded. */
export function showPost(client: QueryClient, post: Post): void {
  setFeed(client, (posts, more) => insert(posts, post, newestFirst, more));
  if (post.truncated) {
    // Its page, and whoever edits it there, needs the whole text.
    void client.invalidateQueries({ queryKey: keys.post(post.id) });
    return;
  }
  put<Post | null>(client, keys.post(post.id), (known) => (known && known.version > post.version ? known : post));
}

function setPost(client: QueryClient, id: string, change: (post: Post) => Post): void {
  setFeed(client, (posts) => posts.map((post) => (post.id === id ? change(post) : post)));
  put<Post | null>(client, keys.post(id), (post) => post && change(post));
}

function setFeed(client: QueryClient, change: (posts: Post[], more: boolean) => Post[]): void {
  setPages(client, keys.feed, change);
}

/** Changes a list as if it were one, and keeps its pages and their cursors. */
function setPages<T>(client: QueryClient, key: readonly string[], change: (items: T[], more: boolean) => T[]): void {
  put<Pages<T>>(client, key, (data) => {
    if (!data) return data;
    const items = data.pages.flatMap((page) => page.items);
    const more = data.pages.at(-1)?.next !== undefined;
    return { ...data, pages: split(change(items, more), data.pages) };
  });
}

/** Puts a thing in the place of what it was. What is to be read anew still is. */
function put<T>(client: QueryClient, key: readonly string[], change: (known: T | undefined) => T | undefined): void {
  const invalid = client.getQueryState(key)?.isInvalidated;
  client.setQueryData<T>(key, change);
  if (invalid) client.getQueryCache().find({ queryKey: key })?.invalidate();
}

/** Lays the items out over the pages that there are, each as long as it was but the first, which takes what is new. */
function split<T>(items: T[], pages: Page<T>[]): Page<T>[] {
  let end = items.length;
  const laid: Page<T>[] = [];
  for (const [i, page] of [...pages.entries()].reverse()) {
    const start = i === 0 ? 0 : Math.max(0, end - page.items.length);
    laid.unshift({ ...page, items: items.slice(start, end) });
    end = start;
  }
  return laid;
}

interface Thing {
  id: string;
  createdAt: string;
  version: number;
}

/** Puts a thing in its place, unless that is among those that are not loaded yet. */
function insert<T extends Thing>(things: T[], thing: T, order: Order, more: boolean): T[] {
  const last = things.at(-1);
  const known = things.some(({ id }) => id === thing.id);
  if (!known && more && last && order(thing, last) > 0) return things;
  return withNewer(things, thing, order);
}

function withNewer<T extends Thing>(things: T[], thing: T, order: Order): T[] {
  const known = things.find(({ id }) => id === thing.id);
  if (known && known.version === thing.version && isCut(thing) && !isCut(known)) return things;
  if (known) return known.version > thing.version ? things : things.map((each) => (each === known ? thing : each));
  return [...things, thing].sort(order);
}

/** Whether it is a comment of which there is only the beginning. */
const isCut = (thing: Thing & { truncated?: boolean }) => thing.truncated === true;

function without<T extends Thing>(things: T[], id: string): T[] {
  return things.filter((thing) => thing.id !== id);
}
