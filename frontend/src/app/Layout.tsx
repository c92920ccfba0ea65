import { useEffect, useRef, type RefObject } from 'react';
import { Link, NavigationType, NavLink, Outlet, useLocation, useNavigationType } from 'react-router';

import { Undo } from '@/components/Undo';
import { atom } from '@/lib/atom';
import { useLive } from '@/lib/live';
import { text } from '@/lib/text';

import { Boundary } from './Boundary';
import styles from './Layout.module.css';

/** What all pages have: the masthead with the state of the connection, and the place for the page. */
export function Layout() {
  const status = useLive();
  const main = useRef<HTMLElement>(null);
  const { key } = useLocation();
  useBeginning(main);
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
          <nav className={styles.nav} aria-label={text.pages}>
            <NavLink to="/moderation">{text.moderation.title}</NavLink>
          </nav>
          <p className={styles.live} role="status" data-status={status} title={text.liveHint[status]}>
            <span>{text.live[status]}</span>
          </p>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Boundary of={key}>
          <Outlet />
        </Boundary>
      </main>
      <footer className={styles.footer}>
        <a href={atom.posts}>{text.atom}</a>
      </footer>
      <Undo />
    </>
  );
}

/** A new page is read from its beginning. The first one the browser shows and announces itself, and where one goes back to it knows. */
function useBeginning(main: RefObject<HTMLElement | null>) {
  const { pathname, hash } = useLocation();
  const navigation = useNavigationType();
  const shown = useRef(pathname);
  useEffect(() => {
    if (shown.current === pathname) return;
    shown.current = pathname;
    main.current?.focus({ preventScroll: true });
    if (navigation === NavigationType.Pop) return;
    const part = hash && document.getElementById(hash.slice(1));
    if (part) part.scrollIntoView();
    else window.scrollTo(0, 0);
  }, [main, pathname, hash, navigation]);
}
