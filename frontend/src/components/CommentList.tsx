import type { Seen } from '@/lib/comments';
import { text } from '@/lib/text';

import { Byline } from './Byline';
import { Markdown } from './Markdown';
import styles from './CommentList.module.css';

/** Comments in the order given; those not approved are their author's own, and say where they stand. */
export function CommentList({ comments }: { comments: Seen[] }) {
  return (
    <ol className={styles.list}>
      {comments.map((comment) => (
        <li key={comment.id} className={`${styles.comment} ${comment.status === 'approved' ? '' : styles.private}`}>
          <Byline author={comment.author} createdAt={comment.createdAt} small />
          <Markdown className={styles.content}>{comment.content}</Markdown>
          {comment.status !== 'approved' && <Standing comment={comment} />}
        </li>
      ))}
    </ol>
  );
}

function Standing({ comment }: { comment: Seen }) {
  return (
    <p className={styles.standing}>
      <span className={styles.badge} data-status={comment.status}>
        {text.status[comment.status]}
      </span>
      {comment.reason && <span>{comment.reason}</span>}
      {comment.note && <span>{comment.note}</span>}
      <span>{text.onlyYou}</span>
    </p>
  );
}
