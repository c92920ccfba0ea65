import { text } from '@/lib/text';
import { ago, exactTime, useNow } from '@/lib/time';

import styles from './Byline.module.css';

const hues = 6;

/** Who wrote it and when: the exact time is behind the relative one. */
export function Byline({ author, createdAt, small = false }: { author: string; createdAt: string; small?: boolean }) {
  const name = author || text.anonymous;
  const time = Date.parse(createdAt);
  const now = useNow();
  return (
    <p className={`${styles.byline} ${small ? styles.small : ''}`}>
      <span className={styles.avatar} data-hue={author ? hue(author) : undefined} aria-hidden="true">
        {initial(name)}
      </span>
      <span className={styles.author}>{name}</span>
      <time className={styles.time} dateTime={createdAt} title={exactTime(time)}>
        {ago(time, now)}
      </time>
    </p>
  );
}

function initial(name: string): string {
  const [first] = new Intl.Segmenter(text.language).segment(name);
  return first?.segment.toLocaleUpperCase() ?? '';
}

/** The same name has the same colour everywhere. */
function hue(name: string): number {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 997;
  return sum % hues;
}
