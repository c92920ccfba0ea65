import { useQueries } from '@tanstack/react-query';

import type { Comment, OwnComment } from './api';
import { own } from './own';
import { ownCommentQuery } from './queries';
import { useStored } from './storage';

/** A comment as this person is to see it. */
export type Seen = Comment & { reason?: string | undefined; note?: string | undefined; own: boolean };

/** The comments of a post, and among them those that this browser has written, whatever their status. */
export function useSeenComments(postId: string, comments: Comment[]): { seen: Seen[]; waiting: number } {
  const approved = new Set(comments.filter(({ status }) => status === 'approved').map(({ id }) => id));
  const mine = useStored(own).filter(
    (thing) => thing.kind === 'comment' && thing.postId === postId && !approved.has(thing.id),
  );
  const results = useQueries({ queries: mine.map(({ id, token }) => ownCommentQuery(id, token)) });
  const texts = new Map(results.flatMap(({ data }) => (data ? [[data.id, data]] : [])));
  return merge(comments, texts);
}

/**
 * Lays own comments over the public ones, which have no text yet, and behind them
 * those that the view does not have yet. Of others', only how many wait is told.
 */
export function merge(comments: Comment[], mine: Map<string, OwnComment>): { seen: Seen[]; waiting: number } {
  const left = new Map(mine);
  const seen: Seen[] = [];
  let waiting = 0;
  for (const comment of comments) {
    const text = left.get(comment.id);
    left.delete(comment.id);
    if (comment.status === 'approved') seen.push({ ...comment, own: text !== undefined });
    else if (text) seen.push({ ...text, own: true });
    else if (comment.status !== 'rejected') waiting++;
  }
  for (const text of left.values()) seen.push({ ...text, own: true });
  return { seen, waiting };
}
