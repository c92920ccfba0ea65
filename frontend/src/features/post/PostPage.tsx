import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';

import { Nothing } from '@/components/Nothing';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { whyTakenDown } from '@/lib/api';
import { useOwn } from '@/lib/own';
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
  if (doomed.has(id)) return <Nothing>{text.postGone}</Nothing>;
  if (post === null) return <Gone id={id} />;
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

/** There is no such post. Its author learns why, if a moderator took it down. */
function Gone({ id }: { id: string }) {
  const mine = useOwn('post', id);
  const { data: why } = useQuery({
    queryKey: ['taken down', id],
    queryFn: ({ signal }) => whyTakenDown(id, mine?.token ?? '', { signal }),
    enabled: mine !== undefined,
  });
  return (
    <>
      <Nothing>{text.postGone}</Nothing>
      {typeof why === 'string' && (
        <Notice look="bad" role="status">
          <p>{text.takenDown}</p>
          {why.split('\n\n').map((part) => (
            <p key={part}>{part}</p>
          ))}
        </Notice>
      )}
    </>
  );
}
