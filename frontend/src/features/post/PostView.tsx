import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useNavigate } from 'react-router';

import { Button } from '@/components/Button';
import { Byline } from '@/components/Byline';
import { Markdown } from '@/components/Markdown';
import { Notice } from '@/components/Notice';
import { OwnTools } from '@/components/OwnTools';
import { PostFields } from '@/components/PostFields';
import { WriteForm } from '@/components/WriteForm';
import { editPost, getPost, type NewPost, type Post } from '@/lib/api';
import { useKept } from '@/lib/drafts';
import { moderatorToken, useAdminToken } from '@/lib/moderator';
import { useOwn, type Own } from '@/lib/own';
import { useStored } from '@/lib/storage';
import { text } from '@/lib/text';
import { throwAway } from '@/lib/trash';
import { showPost } from '@/lib/view';
import { useWrite } from '@/lib/write';

import styles from './PostPage.module.css';

/** A post, which its author can change. */
export function PostView({ post }: { post: Post }) {
  const mine = useOwn('post', post.id);
  const navigate = useNavigate();
  const { title, body, author } = post;
  const { draft, touched, change, clear } = useKept(`edit:${post.id}`, { title, body, author });
  const [editing, setEditing] = useState(touched);
  const [left, setLeft] = useState<'saved' | 'cancelled'>();
  const leave = (how: typeof left) => {
    clear();
    setEditing(false);
    setLeft(how);
  };
  const shown = mine && editing ? (
    <PostEdit post={post} mine={mine} draft={draft} change={change} leave={leave} />
  ) : (
    <article className={styles.post}>
      <h1>{title}</h1>
      <Byline author={author} createdAt={post.createdAt} />
      {body && (
        <Markdown level={1} className={styles.body}>
          {body}
        </Markdown>
      )}
      <ModeratorTools post={post} deletes={!mine} />
      {mine && (
        <OwnTools
          of={title}
          back={left !== undefined}
          onEdit={() => {
            setEditing(true);
            setLeft(undefined);
          }}
          onDelete={() => {
            throwAway(mine);
            void navigate('/');
          }}
        />
      )}
    </article>
  );
  return (
    <>
      {shown}
      <div role="status" className={styles.saved}>
        {left === 'saved' && <Notice look="good">{text.saved}</Notice>}
      </div>
    </>
  );
}

/** What moderators can do with a post, and administrators with those of others. */
function ModeratorTools({ post, deletes }: { post: Post; deletes: boolean }) {
  const moderates = useStored(moderatorToken) !== '';
  const admin = useAdminToken();
  const navigate = useNavigate();
  if (!moderates) return null;
  return (
    <div className={styles.tools}>
      <Link to={`/moderation/posts/${encodeURIComponent(post.id)}`}>{text.moderation.takeDown}</Link>
      {deletes && admin !== undefined && (
        <Button
          aria-label={`${text.delete}: ${post.title}`}
          onClick={() => {
            throwAway({ kind: 'post', id: post.id, postId: post.id, token: admin });
            void navigate('/');
          }}
        >
          {text.delete}
        </Button>
      )}
    </div>
  );
}

interface EditProps {
  post: Post;
  mine: Own;
  draft: NewPost;
  change: (name: keyof NewPost, value: string) => void;
  leave: (how: 'saved' | 'cancelled') => void;
}

function PostEdit({ post, mine, draft, change, leave }: EditProps) {
  const client = useQueryClient();
  const write = useWrite(
    `edit:${post.id}`,
    (input: NewPost) => editPost(post.id, mine.token, input),
    (edited) => {
      showPost(client, { ...post, ...edited });
      getPost(post.id, { version: edited.version }).then(
        (seen) => {
          showPost(client, seen);
        },
        () => undefined, // the changes will tell
      );
      leave('saved');
    },
  );
  return (
    <div className={styles.box}>
      <h1>{text.editTitle}</h1>
      <WriteForm
        title={text.editTitle}
        submit={text.save}
        submitting={text.saving}
        sending={write.sending}
        retrying={write.retrying}
        error={write.error}
        autoFocus
        onSubmit={() => {
          write.send(draft);
        }}
        onCancel={() => {
          leave('cancelled');
        }}
      >
        <PostFields values={draft} errors={write.fields} onChange={change} />
      </WriteForm>
    </div>
  );
}
