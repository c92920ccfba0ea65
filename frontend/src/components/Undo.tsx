import { useEffect, useRef } from 'react';

import { text } from '@/lib/text';
import { takeBack, useEmptying, useTrash, type Doomed } from '@/lib/trash';

import { Button } from './Button';
import styles from './Undo.module.css';

/** Says what is being deleted, and takes it back. */
export function Undo() {
  useEmptying();
  const things = useTrash().filter(({ state }) => state === 'waiting' || state === 'failed');
  return (
    <div className={styles.toasts} role="status">
      {things.map((thing) => (
        <Toast key={thing.id} thing={thing} />
      ))}
    </div>
  );
}

function Toast({ thing }: { thing: Doomed }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const toast = box.current;
    // The button that was pressed is gone with what it deleted.
    toast?.querySelector('button')?.focus();
    return () => {
      if (toast?.contains(document.activeElement)) document.querySelector('main')?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <div ref={box} className={styles.toast}>
      <p>{thing.state === 'failed' ? text.notDeletedYet : text.deleted[thing.kind]}</p>
      <Button
        onClick={() => {
          takeBack(thing.id);
        }}
      >
        {text.undo}
      </Button>
    </div>
  );
}
