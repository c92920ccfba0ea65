import type { ComponentType, ReactNode } from 'react';

import type { Seen } from '@/lib/comments';
import { text } from '@/lib/text';

import { Badge } from './Badge';
import { Byline } from './Byline';
import { Markdown } from './Markdown';
import styles from './CommentList.module.css';

/** What stands around a comment: it may show more with it, or something else instead. */
type Around = ComponentType<{ comment: Seen; children: ReactNode }>;

const Plain: Around = ({ children }) => children;

/** Comments in the order given; those not approved are their author's own, and say where they stand. */
export function CommentList({ comments, around: Around = Plain }: { comments: Seen[]; around?: Around }) {
  return (
    <ol className={styles.list}>
      {comments.map((comment) => (
        <li key={comment.id} className={`${styles.comment} ${comment.status === 'approved' ? '' : styles.private}`}>
          <Around comment={comment}>
            <Byline author={comment.author} createdAt={comment.createdAt} small />
            <Markdown className={styles.content}>{comment.content}</Markdown>
            {comment.status !== 'approved' && <Standing comment={comment} />}
          </Around>
        </li>
      ))}
    </ol>
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
