import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useSyncExternalStore, type Ref, type RefObject } from 'react';

import type { Post } from '@/lib/api';

import type { Place, usePlace } from './place';
import { PostCard } from './PostCard';
import styles from './PostList.module.css';

/** What a post is taken to be high, in pixels, until it has been shown. */
const guess = 240;
/** As in the style sheet. */
const gap = 16;

/** Takes the eye and the focus to the beginning of the list. */
export interface Beginning {
  toTop: () => void;
}

interface Props {
  posts: Post[];
  edge: Place['edge'];
  place: ReturnType<typeof usePlace>;
  /** Called when the end comes near. */
  onEnd: () => void;
  ref: Ref<Beginning>;
}

/** The posts around what is to be seen; those further away take up room, and no more. */
export function PostList({ posts, edge, place, onEnd, ref }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const scrollMargin = useTop(list);
  const virtual = useWindowVirtualizer({
    count: posts.length,
    estimateSize: () => guess,
    getItemKey: (i) => posts[i]?.id ?? i,
    gap,
    overscan: 4,
    scrollMargin,
    initialMeasurementsCache: place.known?.sizes ?? [],
    initialOffset: place.known?.offset ?? 0,
  });
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);

  const near = last !== undefined && last.index >= posts.length - 6;
  useEffect(() => {
    if (near) onEnd();
  });
  const box = useRef<HTMLDivElement>(null);
  useImperativeHandle(ref, () => ({
    toTop: () => {
      // Not window.scrollTo: until the virtualizer has seen where the window is, it
      // evens out the heights of the posts that come in above where it was.
      virtual.scrollToOffset(0);
      box.current?.focus({ preventScroll: true });
    },
  }));
  const { keep } = place;
  useLayoutEffect(
    () => () => {
      keep({ sizes: virtual.takeSnapshot(), offset: window.scrollY, edge });
    },
    [keep, virtual, edge],
  );

  return (
    <div ref={box} tabIndex={-1}>
      <ol
        ref={list}
        className={styles.posts}
        style={{
          paddingTop: first ? first.start - scrollMargin : 0,
          // Before the first look at the window there are no items, but there is room to scroll back in.
          paddingBottom: virtual.getTotalSize() - (last ? last.end - scrollMargin : 0),
        }}
      >
        {items.map(({ key, index }) => {
          const post = posts[index];
          return (
            post && (
              <li
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                aria-posinset={index + 1}
                aria-setsize={posts.length}
              >
                <PostCard post={post} />
              </li>
            )
          );
        })}
      </ol>
    </div>
  );
}

/** How far down the page an element begins. */
function useTop(element: RefObject<HTMLElement | null>): number {
  return useSyncExternalStore(onResize, () => element.current?.offsetTop ?? 0);
}

function onResize(changed: () => void) {
  const observer = new ResizeObserver(changed);
  observer.observe(document.body);
  return () => {
    observer.disconnect();
  };
}
