import { text } from '@/lib/text';

import styles from './Byline.module.css';
import { Moment } from './Moment';

const hues = 6;

/** Who wrote it and when. */
export function Byline({ author, createdAt, small = false }: { author: string; createdAt: string; small?: boolean }) {
  const name = author || text.anonymous;
  return (
    <div className={`${styles.byline} ${small ? styles.small : ''}`}>
      <span className={styles.avatar} data-hue={author ? hue(author) : undefined} aria-hidden="true">
        {initial(name)}
      </span>
      <span className={styles.author}>{name}</span>
      <span className={styles.time}>
        <Moment at={createdAt} />
      </span>
    </div>
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
