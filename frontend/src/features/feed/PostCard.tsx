import { Link } from 'react-router';

import { Byline } from '@/components/Byline';
import { CommentList } from '@/components/CommentList';
import { Markdown } from '@/components/Markdown';
import type { Post } from '@/lib/api';
import { merge } from '@/lib/comments';
import { text } from '@/lib/text';

import { excerpt } from './excerpt';
import styles from './PostCard.module.css';

/** How many of the latest comments the feed shows. */
const shown = 2;

/** A comment of which there is more than can be seen ends with a sign that there is. */
function beginning<T extends { content: string }>(comment: T): T {
  const short = excerpt(comment.content);
  return short === undefined ? comment : { ...comment, content: short.endsWith('…') ? short : `${short}…` };
}

/** A post in the feed, with its latest comments. */
export function PostCard({ post }: { post: Post }) {
  const to = `/posts/${encodeURIComponent(post.id)}`;
  const short = excerpt(post.body);
  const latest = merge(post.comments, new Map()).seen.slice(-shown).map(beginning);
  const earlier = post.commentCount - latest.length;
  return (
    <article className={styles.card}>
      <Byline author={post.author} createdAt={post.createdAt} />
      <h2 className={styles.title}>
        <Link to={to}>{post.title}</Link>
      </h2>
      {post.body && <Markdown>{short ?? post.body}</Markdown>}
      {short !== undefined && (
        <Link to={to} className={styles.more}>
          {text.readPost}
          <span className="visually-hidden">: {post.title}</span>
        </Link>
      )}
      {latest.length > 0 && (
        <div className={styles.comments}>
          {earlier > 0 && <Link to={to}>{text.earlier(earlier)}</Link>}
          <CommentList comments={latest} whole={`${to}#comments`} />
        </div>
      )}
      <footer className={styles.foot}>
        <Link to={`${to}#comments`}>
          {text.toComments(post.commentCount)}
          <span className="visually-hidden">: {post.title}</span>
        </Link>
      </footer>
    </article>
  );
}
