import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { NavigationType, useLocation, useNavigationType } from 'react-router';

import { Button } from '@/components/Button';
import { CommentList } from '@/components/CommentList';
import { Failure } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import type { Post } from '@/lib/api';
import { atom } from '@/lib/atom';
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
  const feed = atom.comments(postId);
  return (
    <section id="comments" ref={useTarget('#comments')} className={styles.comments} aria-labelledby="comments-title">
      <link rel="alternate" type="application/atom+xml" title={text.atomOfComments} href={feed} />
      <div className={styles.head}>
        <h2 id="comments-title">{count > 0 ? text.comments(count) : text.commentsTitle}</h2>
        <a href={feed} aria-label={text.atomOfComments}>
          {text.atom}
        </a>
      </div>
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

/** Who comes with an address of a part of the page is brought there when it is; who goes back the browser takes. */
function useTarget(part: string) {
  const { hash, key } = useLocation();
  const wanted = useRef(hash === part);
  const known = useNavigationType() === NavigationType.Pop && key !== 'default';
  const target = useRef<HTMLElement>(null);
  useEffect(() => {
    if (wanted.current && !known) target.current?.scrollIntoView();
    wanted.current = false;
  }, [known]);
  return target;
}
