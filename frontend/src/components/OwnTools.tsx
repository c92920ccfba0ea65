import { useEffect, useRef } from 'react';

import { text } from '@/lib/text';

import { Button } from './Button';
import styles from './OwnTools.module.css';

interface Props {
  /** What they are for, for those who do not see where they are. */
  of: string;
  /** The form that they lead to has just been left. */
  back?: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

/** What a person can do with what they wrote. */
export function OwnTools({ of, back = false, onEdit, onDelete }: Props) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (back) box.current?.querySelector('button')?.focus();
  }, [back]);
  return (
    <div ref={box} className={styles.tools}>
      <Button aria-label={`${text.edit}: ${of}`} onClick={onEdit}>
        {text.edit}
      </Button>
      <Button aria-label={`${text.delete}: ${of}`} onClick={onDelete}>
        {text.delete}
      </Button>
    </div>
  );
}
