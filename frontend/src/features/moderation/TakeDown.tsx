import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from 'react-router';

import { Field } from '@/components/Field';
import { Notice } from '@/components/Notice';
import { WriteForm } from '@/components/WriteForm';
import { useKept } from '@/lib/drafts';
import { ApiError, retry } from '@/lib/http';
import { text } from '@/lib/text';

import { all, longest, takeDown } from './api';
import styles from './TakeDown.module.css';

const words = text.moderation;

/** Deletes a post by order of a moderator, with a reason that its author can read. */
export function TakeDown() {
  const { id = '' } = useParams();
  const client = useQueryClient();
  const { draft, change, clear } = useKept(`takedown:${id}`, { reason: '', note: '' });
  const order = useMutation({
    mutationFn: () => takeDown(id, draft.reason.trim(), draft.note.trim()),
    networkMode: 'always',
    ...retry,
    onSuccess: () => {
      clear();
    },
    onSettled: () => client.invalidateQueries({ queryKey: all }),
  });
  const errors = order.error instanceof ApiError ? order.error.fields : {};
  const field = (name: 'reason' | 'note') => ({
    name,
    label: words[name],
    value: draft[name],
    limit: longest,
    error: errors[name],
    onChange: (value: string) => {
      change(name, value);
    },
  });
  if (order.isSuccess) {
    return (
      <Notice look="good" role="status">
        <p>{words.takenDown}</p>
        <Link to="/moderation/log">{words.log}</Link>
      </Notice>
    );
  }
  return (
    <section className={styles.box} aria-label={words.takeDown}>
      <h2>{words.takeDown}</h2>
      <p>
        {words.takeDownHint} <Link to={`/posts/${encodeURIComponent(id)}`}>{words.toPost}</Link>
      </p>
      <WriteForm
        title={words.takeDown}
        submit={words.takeDownNow}
        submitting={text.loading}
        sending={order.isPending}
        retrying={order.isPending && order.failureCount > 0}
        error={order.error}
        autoFocus
        onSubmit={() => {
          order.mutate();
        }}
      >
        <Field {...field('reason')} />
        <Field {...field('note')} optional />
      </WriteForm>
    </section>
  );
}
