import type { Status } from '@/lib/api';
import { text } from '@/lib/text';

import styles from './Badge.module.css';

/** Says where a comment stands, in words and colour. */
export function Badge({ status }: { status: Status }) {
  return (
    <span className={styles.badge} data-status={status}>
      {text.status[status]}
    </span>
  );
}
