import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';

import { Nothing } from '@/components/Nothing';
import { Failure } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { postQuery } from '@/lib/queries';
import { text } from '@/lib/text';
import { useDoomed } from '@/lib/trash';

import { Comments } from './Comments';
import styles from './PostPage.module.css';
import { PostView } from './PostView';

/** One post with all its comments. */
export function PostPage() {
  const { id = '' } = useParams();
  const { data: post, error, isPending, refetch } = useQuery(postQuery(useQueryClient(), id));
  const doomed = useDoomed();
  if (doomed.has(id) || post === null) return <Nothing>{text.postGone}</Nothing>;
  return (
    <div className={styles.page}>
      <Link to="/" className={styles.back}>
        {text.back}
      </Link>
      {isPending && <Skeleton />}
      {error && <Failure error={error} stale={post !== undefined} retry={() => void refetch()} />}
      {post && (
        <>
          <title>{`${post.title} · ${text.name}`}</title>
          <PostView key={`post:${id}`} post={post} />
          <Comments key={id} post={post} />
        </>
      )}
    </div>
  );
}
