import { useEffect, useRef, type ReactNode } from 'react';

import { text } from '@/lib/text';

import { Button } from './Button';
import { Failure, Notice } from './Notice';
import { Sending } from './sending';
import styles from './WriteForm.module.css';

interface Props {
  title: string;
  /** What the button says, and what while it is under way. */
  submit: string;
  submitting: string;
  sending: boolean;
  retrying: boolean;
  error: unknown;
  onSubmit: () => void;
  onCancel?: () => void;
  note?: string;
  /** It was asked for, and so its first field has the focus. */
  autoFocus?: boolean;
  children: ReactNode;
}

/** A form that sends something new. When it is refused, the first field that is wrong has the focus. */
export function WriteForm(props: Props) {
  const form = useRef<HTMLFormElement>(null);
  const { error, autoFocus } = props;
  useEffect(() => {
    if (autoFocus) form.current?.querySelector<HTMLElement>('[name]')?.focus();
  }, [autoFocus]);
  useEffect(() => {
    if (error) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus();
  }, [error]);
  return (
    <form
      ref={form}
      className={styles.form}
      aria-label={props.title}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!props.sending) props.onSubmit();
      }}
    >
      <Sending value={props.sending}>{props.children}</Sending>
      {error ? <Failure error={error} /> : null}
      {props.retrying && <Notice role="status">{text.retrying}</Notice>}
      <div className={styles.foot}>
        <Button type="submit" look="main" busy={props.sending}>
          {props.sending ? props.submitting : props.submit}
        </Button>
        {props.onCancel && (
          // What is on its way cannot be held back.
          <Button busy={props.sending} onClick={props.onCancel}>
            {text.cancel}
          </Button>
        )}
        {props.note && <p className={styles.note}>{props.note}</p>}
      </div>
    </form>
  );
}
