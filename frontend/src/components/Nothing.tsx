import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { text } from '@/lib/text';

import styles from './Nothing.module.css';

/** Stands where there is nothing to show, and leads back. */
export function Nothing({ children }: { children: ReactNode }) {
  return (
    <div className={styles.nothing}>
      <title>{`${text.notFound} · ${text.name}`}</title>
      <h1>{text.notFound}</h1>
      <p>{children}</p>
      <Link to="/">{text.back}</Link>
    </div>
  );
}
