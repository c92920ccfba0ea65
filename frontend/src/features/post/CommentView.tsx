import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';

import { Button } from '@/components/Button';
import { CommentFields } from '@/components/CommentFields';
import { Failure } from '@/components/Notice';
import { OwnTools } from '@/components/OwnTools';
import { WriteForm } from '@/components/WriteForm';
import { editComment, getOwnComment, type NewComment } from '@/lib/api';
import type { Seen } from '@/lib/comments';
import { useKept } from '@/lib/drafts';
import { moderatorToken, useAdminToken } from '@/lib/moderator';
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
  const { touched, clear } = useKept(`edit:${comment.id}`, {});
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
    <Edit comment={comment} mine={mine} leave={leave} />
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
        {moderates && <ModeratorTools comment={comment} postId={mine?.postId} />}
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

/** What moderators can do with a comment, and administrators with those of others. */
function ModeratorTools({ comment: { id, author }, postId }: { comment: Seen; postId: string | undefined }) {
  const admin = useAdminToken();
  const post = useParams().id ?? '';
  return (
    <>
      <Link to={`/moderation/log?comment=${encodeURIComponent(id)}`} aria-label={text.moderation.moderate(author || text.anonymous)}>
        {text.moderation.moderateIt}
      </Link>
      {postId === undefined && admin !== undefined && (
        <Button
          aria-label={`${text.delete}: ${text.commentOf(author || text.anonymous)}`}
          onClick={() => {
            throwAway({ kind: 'comment', id, postId: post, token: admin });
          }}
        >
          {text.delete}
        </Button>
      )}
    </>
  );
}

/** The form for a changed comment. A text that was cut is never what it begins with. */
function Edit({ comment, mine, leave }: { comment: Seen; mine: Own; leave: EditProps['leave'] }) {
  const cut = comment.truncated === true;
  const whole = useQuery({
    queryKey: ['edit', mine.id, comment.version],
    queryFn: ({ signal }) => getOwnComment(mine.id, mine.token, { signal }),
    enabled: cut,
    staleTime: Infinity,
  });
  if (!cut) return <CommentEdit mine={mine} given={comment} leave={leave} />;
  if (whole.data) return <CommentEdit mine={mine} given={whole.data} leave={leave} />;
  return (
    <>
      {whole.error ? <Failure error={whole.error} retry={() => void whole.refetch()} /> : <p role="status">{text.loading}</p>}
      <Button
        onClick={() => {
          leave('cancelled');
        }}
      >
        {text.cancel}
      </Button>
    </>
  );
}

interface EditProps {
  mine: Own;
  /** What the comment is now, the whole of it. */
  given: NewComment;
  leave: (how: 'saved' | 'cancelled') => void;
}

function CommentEdit({ mine, given: { content, author }, leave }: EditProps) {
  const client = useQueryClient();
  const { draft, change } = useKept(`edit:${mine.id}`, { content, author });
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
