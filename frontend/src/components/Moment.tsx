import { useId } from 'react';

import { text } from '@/lib/text';
import { ago, exactTime, useNow } from '@/lib/time';

import styles from './Moment.module.css';

/** How long ago something was. The exact time comes by hovering, and by pressing, with whatever one presses. */
export function Moment({ at }: { at: string }) {
  const id = useId();
  const time = Date.parse(at);
  const exact = exactTime(time);
  const relative = ago(time, useNow());
  return (
    <span className={styles.moment}>
      <button type="button" className={styles.button} popoverTarget={id} title={exact} aria-label={text.exactly(relative)}>
        <time dateTime={at}>{relative}</time>
      </button>
      <span id={id} popover="auto" role="status" className={styles.exact}>
        {exact}
      </span>
    </span>
  );
}
