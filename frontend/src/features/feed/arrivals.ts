import { useEffect, useState } from 'react';

import type { Post } from '@/lib/api';
import { own } from '@/lib/own';
import { useStored } from '@/lib/storage';

/** Above this many pixels a person is at the top of the feed, and watches it. */
const top = 80;

/**
 * Holds back the posts that arrive while a person reads further down, so that
 * nothing moves under their eyes: they are shown when the person is back at the
 * top. What the person writes is shown at once. Who comes back to their place
 * finds the edge there: the time of the newest post that is shown.
 */
export function useArrivals(posts: Post[], known: number | undefined) {
  const mine = useStored(own);
  const [edge, setEdge] = useState(known);
  const newest = posts[0] && Date.parse(posts[0].createdAt);
  useEffect(() => {
    const scrolled = () => {
      setEdge((before) => (window.scrollY > top ? (before ?? newest) : undefined));
    };
    window.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      window.removeEventListener('scroll', scrolled);
    };
  }, [newest]);
  const shown =
    edge === undefined
      ? posts
      : posts.filter((post) => Date.parse(post.createdAt) <= edge || mine.some(({ id }) => id === post.id));
  return { shown, arrived: posts.length - shown.length, edge };
}
