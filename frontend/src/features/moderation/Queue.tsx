import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { Button } from '@/components/Button';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { text } from '@/lib/text';

import { queueQuery, type Held } from './api';
import { HeldComment } from './HeldComment';
import styles from './Queue.module.css';
import { useShortcuts } from './shortcuts';
import { useBlocking } from './useBlocking';
import { useDecisions } from './useDecisions';

const words = text.moderation;

/** The text that keys act on, and where it stood. */
interface Chosen {
  id: string;
  entry: string;
  at: number;
}

/** What waits for a person, the oldest first; all of it can be done with the keyboard. */
export function Queue({ overdue, you }: { overdue: boolean; you: string | undefined }) {
  const queue = useQuery(queueQuery);
  const decisions = useDecisions();
  const blocking = useBlocking();
  const waiting = queue.data?.filter((held) => !decisions.isDecided(held)) ?? [];
  const [chosen, setChosen] = useState<Chosen>();
  const [asked, setRejecting] = useState<string>();
  const list = useRef<HTMLOListElement>(null);
  const moved = useRef(false);

  // What somebody else has decided or changed meanwhile is not the one that was read, nor is the one in its place.
  const at = waiting.findIndex(({ id, entry }) => id === chosen?.id && entry === chosen.entry);
  const current = waiting[at];
  const rejecting = waiting.some(({ id }) => id === asked) ? asked : undefined;
  const choose = (held: Held | undefined) => {
    setChosen(held && { id: held.id, entry: held.entry, at: waiting.indexOf(held) });
  };
  const move = (by: number) => {
    moved.current = true;
    const to = current ? at + by : chosen ? chosen.at + Math.min(by, 0) : 0;
    choose(waiting[Math.min(Math.max(to, 0), waiting.length - 1)]);
  };
  useEffect(() => {
    if (!moved.current || rejecting !== undefined) return;
    moved.current = false;
    list.current?.querySelector<HTMLElement>('[aria-current]')?.focus();
  });

  const decide: typeof decisions.decide = (held, verdict) => {
    const i = waiting.indexOf(held);
    moved.current = true;
    choose(waiting[i + 1] ?? waiting[i - 1]);
    setRejecting(undefined);
    decisions.decide(held, verdict);
  };
  const { on, toggle } = useShortcuts(rejecting === undefined ? {
    j: () => {
      move(1);
    },
    k: () => {
      move(-1);
    },
    a: () => {
      if (current) decide(current, { status: 'approved', reason: '', note: '' });
    },
    r: () => {
      if (current) setRejecting(current.id);
    },
    h: () => {
      if (current?.authorKey) blocking.add(current, 'author', 'hold');
    },
    b: () => {
      if (current?.authorKey) blocking.add(current, 'author', 'reject');
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
      {blocking.error !== null && <Failure error={blocking.error} />}
      <div role="status" className={styles.last}>
        {blocking.last && (
          <Notice look="good">
            <p>{words.blocked(blocking.last)}</p>
            <Button busy={blocking.undoing} aria-label={words.undoBlock} onClick={blocking.undo}>
              {text.undo}
            </Button>
          </Notice>
        )}
      </div>
      <div role="status" className={styles.last}>
        {decisions.last && (
          <Notice look="good">
            <p>{words.decided(decisions.last.verdict.status)}</p>
            <Button busy={decisions.undoing} onClick={() => void decisions.undo()}>
              {text.undo}
            </Button>
          </Notice>
        )}
      </div>
      <div role="status" className={styles.last}>
        {chosen && !current && waiting.length > 0 && (
          <Notice>
            <p>{words.gone}</p>
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
            onChoose={() => {
              choose(held);
            }}
            onReject={(open) => {
              choose(held);
              setRejecting(open ? held.id : undefined);
              moved.current = !open;
            }}
            onDecide={(verdict) => {
              decide(held, verdict);
            }}
            onBlock={(kind, then) => {
              choose(held);
              blocking.add(held, kind, then);
            }}
          />
        ))}
      </ol>
    </section>
  );
}
