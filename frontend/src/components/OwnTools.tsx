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
      <Button onClick={onEdit}>
        {text.edit}
        <span className="visually-hidden">: {of}</span>
      </Button>
      <Button onClick={onDelete}>
        {text.delete}
        <span className="visually-hidden">: {of}</span>
      </Button>
    </div>
  );
}
