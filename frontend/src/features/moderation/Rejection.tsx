import * as Dialog from '@radix-ui/react-dialog';
import { useEffect, useRef } from 'react';

import { Button } from '@/components/Button';
import { Field } from '@/components/Field';
import { forgetDraft, useKept } from '@/lib/drafts';
import { text } from '@/lib/text';

import { claim, longest, rejectionForm, type Held } from './api';
import styles from './Rejection.module.css';

const words = text.moderation;

interface Props {
  held: Pick<Held, 'id' | 'content'>;
  /** It is in the queue, where others could take it up. */
  claimed?: boolean;
  onReject: (reason: string, note: string) => void;
  onCancel: () => void;
}

/**
 * Asks why a comment is rejected. Meanwhile other moderators see that somebody is
 * at it. The layer behind is not the library's own: that would write styles into
 * the page, which the policy forbids.
 */
export function Rejection({ held: { id, content }, claimed = true, onReject, onCancel }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (claimed) claim(id, 'POST');
  }, [id, claimed]);
  const cancel = () => {
    if (claimed) claim(id, 'DELETE');
    forgetDraft(rejectionForm(id));
    onCancel();
  };
  return (
    <Dialog.Root
      open
      onOpenChange={(open) => {
        if (!open) cancel();
      }}
    >
      <Dialog.Portal>
        <div className={styles.veil} />
        <Dialog.Content
          ref={box}
          className={styles.dialog}
          aria-describedby={undefined}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            box.current?.querySelector<HTMLElement>('input')?.focus();
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault(); // those who asked know what is next
          }}
        >
          <Dialog.Title>{words.why}</Dialog.Title>
          <blockquote className={styles.quoted} tabIndex={0}>
            {content}
          </blockquote>
          <Reasons id={id} onReject={onReject} onCancel={cancel} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** The common reasons, and room for another; what is typed is kept until it has arrived. */
function Reasons({ id, onReject, onCancel }: Pick<Props, 'onReject' | 'onCancel'> & { id: string }) {
  const { draft, change } = useKept(rejectionForm(id), { reason: words.reasons[0], note: '' });
  return (
    <form
      className={styles.rejection}
      aria-label={words.why}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onReject(draft.reason.trim(), draft.note.trim());
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
        <Button onClick={onCancel}>{text.cancel}</Button>
      </div>
    </form>
  );
}
