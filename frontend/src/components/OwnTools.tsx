import { text } from '@/lib/text';

import { Button } from './Button';
import styles from './OwnTools.module.css';

interface Props {
  /** What they are for, for those who do not see where they are. */
  of: string;
  onEdit: () => void;
  onDelete: () => void;
}

/** What a person can do with what they wrote. */
export function OwnTools({ of, onEdit, onDelete }: Props) {
  return (
    <div className={styles.tools}>
      <Button aria-label={`${text.edit}: ${of}`} onClick={onEdit}>
        {text.edit}
      </Button>
      <Button aria-label={`${text.delete}: ${of}`} onClick={onDelete}>
        {text.delete}
      </Button>
    </div>
  );
}
