import { useQueryClient } from '@tanstack/react-query';
import { useWindowVirtualizer, type VirtualItem } from '@tanstack/react-virtual';
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, useSyncExternalStore, type Ref, type RefObject } from 'react';
import { NavigationType, useNavigationType } from 'react-router';

import type { Post } from '@/lib/api';
import { keys } from '@/lib/queries';

import { PostCard } from './PostCard';
import styles from './PostList.module.css';

/** Where a person was in the feed, and how high the posts are, to come back to. */
interface Place {
  sizes: VirtualItem[];
  offset: number;
}

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
  /** Called when the end comes near. */
  onEnd: () => void;
  ref: Ref<Beginning>;
}

/** The posts around what is to be seen; those further away take up room, and no more. */
export function PostList({ posts, onEnd, ref }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const place = usePlace();
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
      keep({ sizes: virtual.takeSnapshot(), offset: window.scrollY });
    },
    [keep, virtual],
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

/** Who goes back to the feed finds it where they left it. */
function usePlace() {
  const client = useQueryClient();
  const navigation = useNavigationType();
  const [known] = useState(() =>
    navigation === NavigationType.Pop ? client.getQueryData<Place>(keys.place) : undefined,
  );
  useLayoutEffect(() => {
    if (known) window.scrollTo(0, known.offset);
  }, [known]);
  const keep = useCallback(
    (place: Place) => {
      client.setQueryData<Place>(keys.place, place);
    },
    [client],
  );
  return { known, keep };
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
