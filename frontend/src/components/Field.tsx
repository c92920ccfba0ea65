import { use, useId } from 'react';

import { text } from '@/lib/text';

import styles from './Field.module.css';
import { Sending } from './sending';

interface Props {
  name: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  limit: number;
  /** What is wrong with the value, as it goes on behind the label. */
  error?: string | undefined;
  optional?: boolean;
  rows?: number;
  autoComplete?: string;
}

/** A field with its label, what is wrong with it, and how much is left, which is said aloud near the limit. */
export function Field({ name, label, value, onChange, limit, error, optional, rows, autoComplete = 'off' }: Props) {
  const id = useId();
  const left = limit - characters(value);
  const scarce = left < limit / 5;
  const described = [error && `${id}-error`, scarce && `${id}-left`].filter(Boolean).join(' ');
  const control = {
    id,
    name,
    value,
    autoComplete,
    readOnly: use(Sending),
    className: styles.control,
    'aria-invalid': error ? true : undefined,
    'aria-describedby': described || undefined,
  };
  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {label}
          {optional && <span className={styles.optional}> {text.optional}</span>}
        </label>
        <p id={`${id}-left`} className={`${styles.left} ${left < 0 ? styles.over : ''}`}>
          {text.left(left)}
        </p>
      </div>
      {rows ? (
        <textarea
          {...control}
          rows={rows}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      ) : (
        <input
          {...control}
          onChange={(event) => {
            onChange(event.target.value);
          }}
        />
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {label} {error}
        </p>
      )}
    </div>
  );
}

/** Counts as the services do: a character beyond 16 bits is one. */
function characters(value: string): number {
  return value.length - (value.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}
