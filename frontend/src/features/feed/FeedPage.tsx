import { useInfiniteQuery } from '@tanstack/react-query';
import { useRef } from 'react';

import { Button } from '@/components/Button';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { feedQuery } from '@/lib/queries';
import { text } from '@/lib/text';
import { useDoomed } from '@/lib/trash';

import { useArrivals } from './arrivals';
import { Composer } from './Composer';
import styles from './FeedPage.module.css';
import { usePlace } from './place';
import { PostList, type Beginning } from './PostList';

/** The posts, newest first, and the form for a new one. */
export function FeedPage() {
  const feed = useInfiniteQuery(feedQuery);
  const list = useRef<Beginning>(null);
  const doomed = useDoomed();
  const posts = feed.data?.pages.flatMap((page) => page.items.filter(({ id }) => !doomed.has(id))) ?? [];
  const place = usePlace();
  const { shown, arrived, edge } = useArrivals(posts, place.known?.edge);
  const more = () => {
    if (feed.hasNextPage && !feed.isFetching) void feed.fetchNextPage();
  };
  return (
    <div className={styles.page}>
      <title>{text.name}</title>
      <h1 className="visually-hidden">{text.feedTitle}</h1>
      <Composer />
      {feed.isPending && <Skeleton cards={3} />}
      {feed.isError && !feed.isFetchNextPageError && (
        <Failure error={feed.error} stale={feed.data !== undefined} retry={() => void feed.refetch()} />
      )}
      {feed.isSuccess && posts.length === 0 && (
        <Notice look="empty">
          <h2>{text.feedEmpty}</h2>
          <p>{text.feedEmptyHint}</p>
        </Notice>
      )}
      <div role="status" className={styles.arrivals}>
        {arrived > 0 && (
          <Button
            look="main"
            onClick={() => {
              list.current?.toTop(); // where they are shown
            }}
          >
            {text.arrived(arrived)}
          </Button>
        )}
      </div>
      {shown.length > 0 && (
        <PostList
          ref={list}
          posts={shown}
          edge={edge}
          place={place}
          onEnd={() => {
            if (!feed.isFetchNextPageError) more();
          }}
        />
      )}
      {feed.isFetchingNextPage && <Skeleton />}
      {feed.isFetchNextPageError && <Failure error={feed.error} retry={more} />}
      {feed.isSuccess && posts.length > 0 && !feed.hasNextPage && <p className={styles.end}>{text.feedEnd}</p>}
    </div>
  );
}
