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
  const moderates = useStored(moderatorToken) !== '';
  if (!mine && !moderates) return children;
  if (mine && editing) {
    const done = () => {
      clear();
      setEditing(false);
    };
    return <CommentEdit mine={mine} draft={draft} change={change} done={done} />;
  }
  return (
    <>
      {children}
      <div className={styles.tools}>
        {mine && (
          <OwnTools
            of={text.yours}
            onEdit={() => {
              setEditing(true);
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
}

interface EditProps {
  mine: Own;
  draft: NewComment;
  change: (name: keyof NewComment, value: string) => void;
  done: () => void;
}

function CommentEdit({ mine, draft, change, done }: EditProps) {
  const client = useQueryClient();
  const write = useWrite(
    `edit:${mine.id}`,
    (input: NewComment) => editComment(mine.id, mine.token, input),
    (edited) => {
      client.setQueryData(keys.own(mine.id), edited);
      done();
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
      onCancel={done}
    >
      <CommentFields values={draft} errors={write.fields} onChange={change} />
    </WriteForm>
  );
}
