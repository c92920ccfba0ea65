import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useId, useRef, useState } from 'react';

import { Button } from '@/components/Button';
import { Notice } from '@/components/Notice';
import { text } from '@/lib/text';

import { signIn } from './api';
import styles from './ModerationPage.module.css';

/** Asks for a moderator's token. */
export function SignIn({ refused }: { refused: string | undefined }) {
  const client = useQueryClient();
  const [given, setGiven] = useState('');
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const words = text.moderation;
  useEffect(() => {
    field.current?.focus();
  }, []);
  return (
    <form
      className={styles.signIn}
      aria-label={words.signIn}
      onSubmit={(event) => {
        event.preventDefault();
        if (busy || !given.trim()) return;
        setBusy(true);
        void signIn(client, given.trim()).finally(() => {
          setBusy(false);
        });
      }}
    >
      <title>{`${words.signIn} · ${text.name}`}</title>
      <h1>{words.signIn}</h1>
      <p id={`${id}-hint`}>{words.tokenHint}</p>
      {refused !== undefined && (
        <Notice look="bad" role="alert">
          <p>{refused}</p>
        </Notice>
      )}
      <label htmlFor={id}>{words.token}</label>
      <input
        ref={field}
        id={id}
        type="password"
        autoComplete="current-password"
        aria-describedby={`${id}-hint`}
        value={given}
        onChange={(event) => {
          setGiven(event.target.value);
        }}
      />
      <Button type="submit" look="main" busy={busy}>
        {words.signIn}
      </Button>
    </form>
  );
}
