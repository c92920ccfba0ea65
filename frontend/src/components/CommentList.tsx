import { useQuery } from '@tanstack/react-query';
import { useState, type ComponentType, type ReactNode } from 'react';
import { Link } from 'react-router';

import type { Seen } from '@/lib/comments';
import { wholeQuery } from '@/lib/queries';
import { text } from '@/lib/text';

import { Badge } from './Badge';
import { Button } from './Button';
import { Byline } from './Byline';
import { Markdown } from './Markdown';
import { Failure } from './Notice';
import styles from './CommentList.module.css';

/** What stands around a comment: it may show more with it, or something else instead. */
type Around = ComponentType<{ comment: Seen; children: ReactNode }>;

const Plain: Around = ({ children }) => children;

interface Props {
  comments: Seen[];
  around?: Around;
  /** Where a comment that is cut can be read, if that is elsewhere. */
  whole?: string;
}

/** Comments in the order given; those not approved are their author's own, and say where they stand. */
export function CommentList({ comments, around: Around = Plain, whole }: Props) {
  return (
    <ol className={styles.list}>
      {comments.map((comment) => (
        <li key={comment.id} className={`${styles.comment} ${comment.status === 'approved' ? '' : styles.private}`}>
          <Around comment={comment}>
            <Byline author={comment.author} createdAt={comment.createdAt} small />
            <Text comment={comment} whole={whole} />
            {comment.status !== 'approved' && <Standing comment={comment} />}
          </Around>
        </li>
      ))}
    </ol>
  );
}

/** What a comment says. One that is cut ends with a way to the whole of it. */
function Text({ comment, whole }: { comment: Seen; whole: string | undefined }) {
  const [asked, setAsked] = useState(false);
  const loaded = useQuery({ ...wholeQuery(comment), enabled: asked && comment.truncated === true });
  const by = <span className="visually-hidden">: {text.commentOf(comment.author || text.anonymous)}</span>;
  if (!comment.truncated) return <Markdown className={styles.content}>{comment.content}</Markdown>;
  if (loaded.data?.content) return <Markdown className={styles.content}>{loaded.data.content}</Markdown>;
  return (
    <>
      <Markdown className={styles.content}>{comment.content.endsWith('…') ? comment.content : `${comment.content}…`}</Markdown>
      <p className={styles.whole}>
        {whole === undefined ? (
          <Button
            busy={loaded.isFetching}
            onClick={() => {
              if (asked) void loaded.refetch();
              setAsked(true);
            }}
          >
            {text.readComment}
            {by}
          </Button>
        ) : (
          <Link to={whole}>
            {text.readComment}
            {by}
          </Link>
        )}
      </p>
      {loaded.isError && <Failure error={loaded.error} />}
    </>
  );
}

function Standing({ comment }: { comment: Seen }) {
  return (
    <p className={styles.standing}>
      <Badge status={comment.status} />
      {comment.reason && <span>{comment.reason}</span>}
      {comment.note && <span>{comment.note}</span>}
      <span>{text.onlyYou}</span>
    </p>
  );
}
