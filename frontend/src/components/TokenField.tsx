import { use, useEffect, useId, useRef } from 'react';

import { text } from '@/lib/text';

import styles from './Field.module.css';
import { Sending } from './sending';

interface Props {
  label: string;
  hint: string;
  value: string;
  onChange: (value: string) => void;
  /** Why it is asked for: each time, it has the focus. */
  error: unknown;
  /** It was not for want of a token. */
  wrong: boolean;
}

/** Asks for a token where there was none, or a wrong one. */
export function TokenField({ label, hint, value, onChange, error, wrong }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => {
    if (error) field.current?.focus();
  }, [error]);
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <p id={`${id}-hint`} className={styles.left}>
        {hint}
      </p>
      <input
        ref={field}
        id={id}
        type="password"
        autoComplete="off"
        className={styles.control}
        value={value}
        readOnly={use(Sending)}
        aria-invalid={wrong || undefined}
        aria-describedby={wrong ? `${id}-hint ${id}-error` : `${id}-hint`}
        onChange={(event) => {
          onChange(event.target.value);
        }}
      />
      {wrong && (
        <p id={`${id}-error`} className={styles.error}>
          {text.tokenRefused}
        </p>
      )}
    </div>
  );
}
