import { useEffect, useRef, useState } from 'react';

import { text } from '@/lib/text';
import { takeBack, useEmptying, useTrash, type Doomed } from '@/lib/trash';

import { Button } from './Button';
import styles from './Undo.module.css';

/** Says what is being deleted, and takes it back. */
export function Undo() {
  useEmptying();
  const things = useTrash();
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
  const [fresh] = useState(thing.state === 'waiting');
  useEffect(() => {
    const toast = box.current;
    // The button that was pressed is gone with what it deleted. Who types meanwhile is left alone.
    if (fresh && !isFocused()) toast?.querySelector('button')?.focus();
    return () => {
      if (toast?.contains(document.activeElement)) document.querySelector('main')?.focus({ preventScroll: true });
    };
  }, [fresh]);
  return (
    <div ref={box} className={styles.toast}>
      <p>{thing.tried ? text.notDeletedYet : text.deleted[thing.kind]}</p>
      <Button
        busy={thing.state === 'sending'}
        onClick={() => {
          takeBack(thing.id);
        }}
      >
        {text.undo}
      </Button>
    </div>
  );
}

/** Whether anything has the focus. */
function isFocused(): boolean {
  return document.activeElement !== null && document.activeElement !== document.body;
}
