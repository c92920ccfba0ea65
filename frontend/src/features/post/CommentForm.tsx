import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { CommentFields } from '@/components/CommentFields';
import { Notice } from '@/components/Notice';
import { WriteForm } from '@/components/WriteForm';
import { createComment, type NewComment } from '@/lib/api';
import { useDraft } from '@/lib/drafts';
import { remember } from '@/lib/own';
import { keys } from '@/lib/queries';
import { text } from '@/lib/text';
import { useWrite } from '@/lib/write';

import styles from './CommentForm.module.css';

const empty = { content: '', author: '' };

/** The form for a comment. What is sent is shown to its author at once. */
export function CommentForm({ postId }: { postId: string }) {
  const client = useQueryClient();
  const form = `comment:${postId}`;
  const { draft, change, clear } = useDraft(form, empty);
  const [sent, setSent] = useState(false);
  const write = useWrite(
    form,
    (input: NewComment, key) => createComment(postId, input, key),
    ({ editToken, ...comment }, input) => {
      client.setQueryData(keys.own(comment.id), comment);
      remember({ kind: 'comment', id: comment.id, postId, token: editToken });
      clear({ ...input });
      setSent(true);
    },
  );
  return (
    <div className={styles.box}>
      <WriteForm
        title={text.commentTitle}
        submit={text.comment}
        submitting={text.commenting}
        sending={write.sending}
        retrying={write.retrying}
        error={write.error}
        note={text.commentNote}
        onSubmit={() => {
          setSent(false);
          write.send(draft);
        }}
      >
        <CommentFields values={draft} errors={write.fields} onChange={change} />
      </WriteForm>
      <div role="status">{sent && <Notice look="good">{text.commented}</Notice>}</div>
    </div>
  );
}
