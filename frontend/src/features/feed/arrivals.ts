import { useState, useSyncExternalStore } from 'react';

import type { Post } from '@/lib/api';
import { own } from '@/lib/own';
import { useStored } from '@/lib/storage';

/** Above this many pixels a person is at the top of the feed, and watches it. */
const top = 80;

/**
 * Holds back the posts that arrive while a person reads further down, so that
 * nothing moves under their eyes: they are shown when the person is back at the
 * top. What the person writes is shown at once.
 */
export function useArrivals(posts: Post[]): { shown: Post[]; arrived: number } {
  const away = useSyncExternalStore(subscribe, () => window.scrollY > top);
  const mine = useStored(own);
  const [edge, setEdge] = useState<number>();
  const newest = posts[0] && Date.parse(posts[0].createdAt);
  if (!away && edge !== undefined) setEdge(undefined);
  if (away && edge === undefined && newest !== undefined) setEdge(newest);
  const shown =
    edge === undefined
      ? posts
      : posts.filter((post) => Date.parse(post.createdAt) <= edge || mine.some(({ id }) => id === post.id));
  return { shown, arrived: posts.length - shown.length };
}

function subscribe(changed: () => void) {
  window.addEventListener('scroll', changed, { passive: true });
  return () => {
    window.removeEventListener('scroll', changed);
  };
}
