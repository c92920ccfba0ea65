import { useEffect, useRef, useState } from 'react';

import { Notice } from '@/components/Notice';
import { useDraft } from '@/lib/drafts';
import { text } from '@/lib/text';

import styles from './Composer.module.css';
import { emptyPost, PostForm, postForm } from './PostForm';

/** The form for a new post: one line until it is wanted, or if something is typed already. */
export function Composer() {
  const { draft } = useDraft(postForm, emptyPost);
  const [open, setOpen] = useState(draft.title !== '' || draft.body !== '');
  const [posted, setPosted] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const toggled = useRef(false);

  const toggle = (next: boolean, done = false) => {
    toggled.current = true;
    setOpen(next);
    setPosted(done);
  };
  useEffect(() => {
    // The focus follows what the person has done, and stays where it is at the beginning.
    if (toggled.current) box.current?.querySelector<HTMLElement>(open ? '[name=title]' : 'button')?.focus();
  }, [open]);

  return (
    <div ref={box} className={styles.composer} data-open={open}>
      {open ? (
        <PostForm
          onPosted={() => {
            toggle(false, true);
          }}
          onCancel={() => {
            toggle(false);
          }}
        />
      ) : (
        <button
          type="button"
          className={styles.opener}
          onClick={() => {
            toggle(true);
          }}
        >
          {text.compose}
        </button>
      )}
      <div role="status">{posted && <Notice look="good">{text.posted}</Notice>}</div>
    </div>
  );
}
