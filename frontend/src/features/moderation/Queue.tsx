import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { Button } from '@/components/Button';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { text } from '@/lib/text';

import { queueQuery } from './api';
import { HeldComment } from './HeldComment';
import styles from './Queue.module.css';
import { useShortcuts } from './shortcuts';
import { useDecisions } from './useDecisions';

const words = text.moderation;

/** What waits for a person, the oldest first; all of it can be done with the keyboard. */
export function Queue({ overdue, you }: { overdue: boolean; you: string | undefined }) {
  const queue = useQuery(queueQuery);
  const decisions = useDecisions();
  const waiting = queue.data?.filter((held) => !decisions.isDecided(held)) ?? [];
  const [chosen, setChosen] = useState<string>();
  const [rejecting, setRejecting] = useState<string>();
  const list = useRef<HTMLOListElement>(null);
  const moved = useRef(false);

  const found = waiting.findIndex(({ id }) => id === chosen);
  const at = Math.max(0, found);
  const current = waiting[at];
  const choose = (i: number) => {
    moved.current = true;
    setChosen(waiting[Math.min(Math.max(i, 0), waiting.length - 1)]?.id);
  };
  useEffect(() => {
    if (!moved.current || rejecting !== undefined) return;
    moved.current = false;
    list.current?.querySelector<HTMLElement>('[aria-current]')?.focus();
  });

  const decide: typeof decisions.decide = (held, verdict) => {
    const next = waiting[at + 1] ?? waiting[at - 1];
    moved.current = true;
    if (held.id === current?.id) setChosen(next?.id);
    setRejecting(undefined);
    decisions.decide(held, verdict);
  };
  const { on, toggle } = useShortcuts(rejecting === undefined ? {
    j: () => {
      choose(found < 0 ? 0 : at + 1);
    },
    k: () => {
      choose(at - 1);
    },
    a: () => {
      if (current) decide(current, { status: 'approved', reason: '', note: '' });
    },
    r: () => {
      if (current) setRejecting(current.id);
    },
    u: () => void decisions.undo(),
  } : {}); // behind the dialog nothing is to happen

  return (
    <section className={styles.queue} aria-label={words.queue}>
      <div className={styles.bar}>
        <label>
          <input type="checkbox" checked={on} onChange={toggle} /> {words.shortcuts}
        </label>
        {on && (
          <ul className={styles.keys}>
            {words.keys.map(([key, does]) => (
              <li key={key}>
                <kbd>{key}</kbd> {does}
              </li>
            ))}
          </ul>
        )}
      </div>
      {overdue && (
        <Notice look="bad">
          <p>{words.overdue}</p>
        </Notice>
      )}
      {queue.isPending && <Skeleton cards={2} />}
      {queue.isError && <Failure error={queue.error} stale={!!queue.data} retry={() => void queue.refetch()} />}
      {decisions.error !== undefined && <Failure error={decisions.error} />}
      <div role="status" className={styles.last}>
        {decisions.last && (
          <Notice look="good">
            <p>{words.decided(decisions.last.verdict.status)}</p>
            <Button onClick={() => void decisions.undo()}>{text.undo}</Button>
          </Notice>
        )}
      </div>
      {queue.isSuccess && waiting.length === 0 && (
        <Notice look="empty">
          <h2>{words.empty}</h2>
          <p>{words.emptyHint}</p>
        </Notice>
      )}
      <ol ref={list} className={styles.list}>
        {waiting.map((held) => (
          <HeldComment
            key={held.id}
            held={held}
            you={you}
            current={held.id === current?.id}
            rejecting={held.id === rejecting}
            onReject={(open) => {
              setChosen(held.id);
              setRejecting(open ? held.id : undefined);
              moved.current = !open;
            }}
            onDecide={(verdict) => {
              decide(held, verdict);
            }}
          />
        ))}
      </ol>
    </section>
  );
}
