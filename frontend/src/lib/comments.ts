import { useQueries } from '@tanstack/react-query';

import type { Comment, OwnComment } from './api';
import { own } from './own';
import { ownCommentQuery } from './queries';
import { useStored } from './storage';
import { useDoomed } from './trash';

/** A comment as this person is to see it. */
export type Seen = Comment & { reason?: string | undefined; note?: string | undefined; own: boolean };

/** The comments of a post, and among them those that this browser has written, whatever their status. Those are asked for when it is settled which are public. */
export function useSeenComments(
  postId: string,
  comments: Comment[],
  settled: boolean,
): { seen: Seen[]; waiting: number } {
  const approved = new Set(comments.filter(({ status }) => status === 'approved').map(({ id }) => id));
  const doomed = useDoomed();
  const mine = useStored(own).filter((thing) => thing.kind === 'comment' && thing.postId === postId);
  const results = useQueries({
    // Of an approved one is known what this page has changed since, and all else is public.
    queries: mine.map(({ id, token }) => ({ ...ownCommentQuery(id, token), enabled: settled && !approved.has(id) && !doomed.has(id) })),
  });
  const texts = new Map(results.flatMap(({ data }) => (data ? [[data.id, data]] : [])));
  const { seen, waiting } = merge(comments, texts);
  const written = new Set(mine.map(({ id }) => id));
  return {
    seen: seen.filter(({ id }) => !doomed.has(id)).map((comment) => ({ ...comment, own: written.has(comment.id) })),
    waiting,
  };
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
    if (text && (text.version > comment.version || (comment.truncated && text.version === comment.version))) seen.push({ ...text, own: true });
    else if (comment.status === 'approved') seen.push({ ...comment, own: text !== undefined });
    else if (text) seen.push({ ...text, own: true });
    else if (comment.status !== 'rejected') waiting++;
  }
  for (const text of left.values()) seen.push({ ...text, own: true });
  return { seen, waiting };
}
