import { useEffect, useRef } from 'react';

import { Button } from '@/components/Button';
import { Field } from '@/components/Field';
import { useKept } from '@/lib/drafts';
import { text } from '@/lib/text';

import { claim, rejectionForm } from './api';
import styles from './Queue.module.css';

const words = text.moderation;

/** As many characters as the moderator takes. */
const longest = 1000;

interface Props {
  id: string;
  onReject: (reason: string, note: string) => void;
  onCancel: () => void;
}

/** Asks why a comment is rejected. Meanwhile other moderators see that somebody is at it. */
export function Rejection({ id, onReject, onCancel }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const { draft, change, clear } = useKept(rejectionForm(id), { reason: words.reasons[0], note: '' });
  useEffect(() => {
    claim(id, 'POST');
    form.current?.querySelector<HTMLElement>('input')?.focus();
  }, [id]);
  const cancel = () => {
    claim(id, 'DELETE');
    clear();
    onCancel();
  };
  return (
    <form
      ref={form}
      className={styles.rejection}
      aria-label={words.why}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onReject(draft.reason.trim(), draft.note.trim());
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') cancel();
      }}
    >
      <fieldset className={styles.reasons}>
        <legend>{words.common}</legend>
        {words.reasons.map((reason) => (
          <label key={reason}>
            <input
              type="radio"
              name="common"
              checked={draft.reason === reason}
              onChange={() => {
                change('reason', reason);
              }}
            />
            <span>{reason}</span>
          </label>
        ))}
      </fieldset>
      <Field
        name="reason"
        label={words.reason}
        value={draft.reason}
        limit={longest}
        onChange={(value) => {
          change('reason', value);
        }}
      />
      <Field
        name="note"
        label={words.note}
        optional
        value={draft.note}
        limit={longest}
        onChange={(value) => {
          change('note', value);
        }}
      />
      <div className={styles.actions}>
        <Button type="submit" look="main">
          {words.reject}
        </Button>
        <Button onClick={cancel}>{text.cancel}</Button>
      </div>
    </form>
  );
}
