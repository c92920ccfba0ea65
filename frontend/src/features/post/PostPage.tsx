import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';

import { Byline } from '@/components/Byline';
import { Markdown } from '@/components/Markdown';
import { Nothing } from '@/components/Nothing';
import { Failure } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { ApiError } from '@/lib/http';
import { postQuery } from '@/lib/queries';
import { text } from '@/lib/text';

import { Comments } from './Comments';
import styles from './PostPage.module.css';

/** One post with all its comments. */
export function PostPage() {
  const { id = '' } = useParams();
  const { data: post, error, isPending, refetch } = useQuery(postQuery(useQueryClient(), id));
  if (error instanceof ApiError && error.status === 404) return <Nothing>{text.postGone}</Nothing>;
  return (
    <div className={styles.page}>
      <Link to="/" className={styles.back}>
        {text.back}
      </Link>
      {isPending && <Skeleton />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {post && (
        <>
          <title>{`${post.title} · ${text.name}`}</title>
          <article className={styles.post}>
            <h1>{post.title}</h1>
            <Byline author={post.author} createdAt={post.createdAt} />
            {post.body && (
              <Markdown level={1} className={styles.body}>
                {post.body}
              </Markdown>
            )}
          </article>
          <Comments key={id} postId={id} count={post.commentCount} />
        </>
      )}
    </div>
  );
}
