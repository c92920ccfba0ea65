import { useInfiniteQuery } from '@tanstack/react-query';

import { Button } from '@/components/Button';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { feedQuery } from '@/lib/queries';
import { text } from '@/lib/text';

import { Composer } from './Composer';
import styles from './FeedPage.module.css';
import { PostCard } from './PostCard';

/** The posts, newest first, and the form for a new one. */
export function FeedPage() {
  const feed = useInfiniteQuery(feedQuery);
  const posts = feed.data?.pages.flatMap((page) => page.items);
  return (
    <div className={styles.page}>
      <title>{text.name}</title>
      <h1 className="visually-hidden">{text.feedTitle}</h1>
      <Composer />
      {feed.isPending && <Skeleton cards={3} />}
      {feed.isError && <Failure error={feed.error} retry={() => void feed.refetch()} />}
      {posts?.length === 0 && (
        <Notice>
          <h2>{text.feedEmpty}</h2>
          <p>{text.feedEmptyHint}</p>
        </Notice>
      )}
      {posts && posts.length > 0 && (
        <ol className={styles.posts}>
          {posts.map((post) => (
            <li key={post.id}>
              <PostCard post={post} />
            </li>
          ))}
        </ol>
      )}
      {feed.hasNextPage && (
        <Button busy={feed.isFetchingNextPage} onClick={() => void feed.fetchNextPage()}>
          {feed.isFetchingNextPage ? text.loading : text.more}
        </Button>
      )}
    </div>
  );
}
