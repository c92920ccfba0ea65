import { useEffect, useRef } from 'react';
import { Link, Outlet, ScrollRestoration, useLocation } from 'react-router';

import { useLive } from '@/lib/live';
import { text } from '@/lib/text';

import styles from './Layout.module.css';

/** What all pages have: the masthead with the state of the connection, and the place for the page. */
export function Layout() {
  const status = useLive();
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const shown = useRef(pathname);
  useEffect(() => {
    // A new page is read from its beginning; the first one the browser has announced itself.
    if (shown.current !== pathname) main.current?.focus({ preventScroll: true });
    shown.current = pathname;
  }, [pathname]);
  return (
    <>
      <a href="#main" className={styles.skip}>
        {text.skip}
      </a>
      <header className={styles.header}>
        <div className={styles.bar}>
          <Link to="/" className={styles.name}>
            {text.name}
          </Link>
          <p className={styles.live} role="status" data-status={status} title={text.liveHint[status]}>
            {text.live[status]}
          </p>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Outlet />
      </main>
      <ScrollRestoration />
    </>
  );
}
