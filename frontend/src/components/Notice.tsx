import type { ReactNode } from 'react';

import { explain } from '@/lib/explain';
import { text } from '@/lib/text';

import { Button } from './Button';
import styles from './Notice.module.css';

interface Props {
  look?: 'plain' | 'bad' | 'good' | 'empty';
  /** Whether screen readers are to say it as soon as it appears. */
  role?: 'alert' | 'status';
  children: ReactNode;
}

/** A short message in its own box. */
export function Notice({ look = 'plain', role, children }: Props) {
  return (
    <div role={role} className={`${styles.notice} ${styles[look]}`}>
      {children}
    </div>
  );
}

/** Says what went wrong, whether what is shown may be old, and offers to try again. */
export function Failure({ error, stale = false, retry }: { error: unknown; stale?: boolean; retry?: () => void }) {
  return (
    <Notice look="bad" role="alert">
      <p>
        {explain(error)}
        {stale && ` ${text.stale}`}
      </p>
      {retry && <Button onClick={retry}>{text.retry}</Button>}
    </Notice>
  );
}
