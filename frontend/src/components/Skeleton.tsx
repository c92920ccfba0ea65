import { text } from '@/lib/text';

import styles from './Skeleton.module.css';

/** The shape of what is being loaded. */
export function Skeleton({ cards = 1 }: { cards?: number }) {
  return (
    <div role="status" className={styles.skeleton}>
      <span className="visually-hidden">{text.loading}</span>
      {Array.from({ length: cards }, (_, i) => (
        <div key={i} className={styles.card} aria-hidden="true">
          <div className={styles.line} />
          <div className={styles.title} />
          <div className={styles.line} />
          <div className={styles.line} />
        </div>
      ))}
    </div>
  );
}
