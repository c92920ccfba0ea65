import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';

import { CommentFields } from '@/components/CommentFields';
import { OwnTools } from '@/components/OwnTools';
import { WriteForm } from '@/components/WriteForm';
import { editComment, type NewComment } from '@/lib/api';
import type { Seen } from '@/lib/comments';
import { useKept } from '@/lib/drafts';
import { moderatorToken } from '@/lib/moderator';
import { useOwn, type Own } from '@/lib/own';
import { keys } from '@/lib/queries';
import { useStored } from '@/lib/storage';
import { text } from '@/lib/text';
import { throwAway } from '@/lib/trash';
import { useWrite } from '@/lib/write';

import styles from './CommentView.module.css';

/** A comment, which its author can change. A changed one is judged anew. */
export function CommentView({ comment, children }: { comment: Seen; children: ReactNode }) {
  const mine = useOwn('comment', comment.id);
  const { content, author } = comment;
  const { draft, touched, change, clear } = useKept(`edit:${comment.id}`, { content, author });
  const [editing, setEditing] = useState(touched);
  const [left, setLeft] = useState<'saved' | 'cancelled'>();
  const moderates = useStored(moderatorToken) !== '';
  if (!mine && !moderates) return children;
  const leave = (how: typeof left) => {
    clear();
    setEditing(false);
    setLeft(how);
  };
  const shown = mine && editing ? (
    <CommentEdit mine={mine} draft={draft} change={change} leave={leave} />
  ) : (
    <>
      {children}
      <div className={styles.tools}>
        {mine && (
          <OwnTools
            of={text.yours}
            back={left !== undefined}
            onEdit={() => {
              setEditing(true);
              setLeft(undefined);
            }}
            onDelete={() => {
              throwAway(mine);
            }}
          />
        )}
        {moderates && (
          <Link to={`/moderation/log?comment=${encodeURIComponent(comment.id)}`} aria-label={text.moderation.moderate(author || text.anonymous)}>
            {text.moderation.moderateIt}
          </Link>
        )}
      </div>
    </>
  );
  return (
    <>
      {shown}
      <p role="status" className={styles.saved}>
        {left === 'saved' && text.saved}
      </p>
    </>
  );
}

interface EditProps {
  mine: Own;
  draft: NewComment;
  change: (name: keyof NewComment, value: string) => void;
  leave: (how: 'saved' | 'cancelled') => void;
}

function CommentEdit({ mine, draft, change, leave }: EditProps) {
  const client = useQueryClient();
  const write = useWrite(
    `edit:${mine.id}`,
    (input: NewComment) => editComment(mine.id, mine.token, input),
    (edited) => {
      client.setQueryData(keys.own(mine.id), edited);
      leave('saved');
    },
  );
  return (
    <WriteForm
      title={text.editComment}
      submit={text.save}
      submitting={text.saving}
      sending={write.sending}
      retrying={write.retrying}
      error={write.error}
      note={text.editNote}
      autoFocus
      onSubmit={() => {
        write.send(draft);
      }}
      onCancel={() => {
        leave('cancelled');
      }}
    >
      <CommentFields values={draft} errors={write.fields} onChange={change} />
    </WriteForm>
  );
}
