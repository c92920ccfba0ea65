import { useInfiniteQuery } from '@tanstack/react-query';

import { Button } from '@/components/Button';
import { CommentList } from '@/components/CommentList';
import { Failure } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import type { Post } from '@/lib/api';
import { useSeenComments } from '@/lib/comments';
import { commentsQuery } from '@/lib/queries';
import { text } from '@/lib/text';

import { CommentForm } from './CommentForm';
import styles from './Comments.module.css';
import { CommentView } from './CommentView';

/** The comments of a post, oldest first, and the form for another. */
export function Comments({ post }: { post: Post }) {
  const { id: postId, commentCount: count } = post;
  const comments = useInfiniteQuery(commentsQuery(postId));
  // Should they not come, there are the latest, which came with the post.
  const loaded = comments.data?.pages.flatMap((page) => page.items) ?? (comments.isError ? post.comments : []);
  const { seen, waiting } = useSeenComments(postId, loaded, !comments.isPending);
  return (
    <section id="comments" className={styles.comments} aria-labelledby="comments-title">
      <h2 id="comments-title">{count > 0 ? text.comments(count) : text.commentsTitle}</h2>
      {comments.isPending && <Skeleton />}
      {comments.isError && <Failure error={comments.error} stale={loaded.length > 0} retry={() => void comments.refetch()} />}
      {comments.isSuccess && seen.length === 0 && <p className={styles.aside}>{text.commentsEmpty}</p>}
      {seen.length > 0 && <CommentList comments={seen} around={CommentView} />}
      {comments.hasNextPage && (
        <Button busy={comments.isFetchingNextPage} onClick={() => void comments.fetchNextPage()}>
          {comments.isFetchingNextPage ? text.loading : text.moreComments}
        </Button>
      )}
      {waiting > 0 && <p className={styles.aside}>{text.waiting(waiting)}</p>}
      <CommentForm postId={postId} />
    </section>
  );
}
