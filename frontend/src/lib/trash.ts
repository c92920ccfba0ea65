import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';

import { remove } from './api';
import { ApiError } from './http';
import { forget, isOwn, type Own } from './own';
import { keys } from './queries';
import { isRecord, stored, useStored } from './storage';
import { applyChange } from './view';

/** A thing that is to be deleted: while nothing is under way it can be had back. At a time something becomes of it. */
export type Doomed = Own & {
  state: 'waiting' | 'sending' | 'failed' | 'done';
  at: number;
  /** It has failed before, which its author knows of. */
  tried?: boolean;
};

/** How long a deletion can be undone, and after how long one that failed is tried again. */
const grace = 5_000;
const again = 5_000;
/** After this long without an answer it is sent again. */
const lost = 30_000;

/** Kept over a reload: what a person has deleted is deleted, though later. */
const trash = stored<readonly Doomed[]>('trash', (value) => (Array.isArray(value) ? value.filter(isDoomed) : []));

function isDoomed(value: unknown): value is Doomed {
  return isOwn(value) && isRecord(value) && typeof value.at === 'number';
}

export function throwAway({ kind, id, postId, token }: Own): void {
  put({ kind, id, postId, token, state: 'waiting', at: 0 }, grace);
}

export function takeBack(id: string): void {
  trash.set(without(id));
}

const without = (id: string) => trash.get().filter((thing) => thing.id !== id);

/** What can be had back, and what could and may again. */
export function useTrash(): readonly Doomed[] {
  return useStored(trash).filter(({ state, tried }) => state === 'waiting' || (tried && state !== 'done'));
}

/** The ids of what is as good as gone. */
export function useDoomed(): ReadonlySet<string> {
  const things = useStored(trash);
  return useMemo(() => new Set(things.map(({ id }) => id)), [things]);
}

/** Deletes what has been thrown away, each when its time is over, for as long as the page is shown. */
export function useEmptying(): void {
  const client = useQueryClient();
  const things = useStored(trash);
  useEffect(() => {
    const timers = things.map((thing) => setTimeout(() => void empty(client, thing), Math.max(0, thing.at - Date.now())));
    return () => {
      timers.forEach(clearTimeout);
    };
  }, [client, things]);
  useEffect(() => {
    // Who closes the page does not undo any more. It stays in the trash: should it
    // not get out, the next visit sends it.
    const leave = () => {
      for (const thing of trash.get()) {
        if (thing.state === 'done') continue;
        put({ ...thing, state: 'sending' }, lost); // too late to have it back
        remove(thing.kind, thing.id, thing.token).catch(() => undefined);
      }
    };
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('pagehide', leave);
    };
  }, []);
}

async function empty(client: QueryClient, thing: Doomed): Promise<void> {
  const { kind, id, postId, token } = thing;
  if (thing.state === 'done') {
    takeBack(id);
    return;
  }
  put({ ...thing, state: 'sending' }, lost);
  try {
    await remove(kind, id, token);
  } catch (error) {
    // What cannot be deleted at all is shown again.
    if (error instanceof ApiError && !error.passing && error.status < 500) takeBack(id);
    else put({ ...thing, state: 'failed', tried: true }, again);
    return;
  }
  if (kind === 'post') applyChange(client, { type: 'post-deleted', data: { id } });
  else void client.invalidateQueries({ queryKey: keys.comments(postId) });
  client.removeQueries({ queryKey: keys.own(id) });
  forget(kind, id);
  put({ ...thing, state: 'done' }, again); // the view has not let go of it yet
}

function put(thing: Doomed, after: number): void {
  trash.set([...without(thing.id), { ...thing, at: Date.now() + after }]);
}
