import { isRecord, stored, useStored } from './storage';

/** What this browser has written, and may change: an edit token for each. */
export interface Own {
  kind: 'post' | 'comment';
  id: string;
  postId: string;
  token: string;
}

/** The oldest are forgotten first: a browser has some megabytes for all. */
const most = 500;

export const own = stored<readonly Own[]>('own', (value) => (Array.isArray(value) ? value.filter(isOwn) : []));

export function isOwn(value: unknown): value is Own {
  return (
    isRecord(value) &&
    (value.kind === 'post' || value.kind === 'comment') &&
    [value.id, value.postId, value.token].every((text) => typeof text === 'string')
  );
}

export function remember(thing: Own): void {
  own.set([...without(thing.kind, thing.id), thing].slice(-most));
}

export function forget(kind: Own['kind'], id: string): void {
  const left = without(kind, id);
  if (left.length < own.get().length) own.set(left);
}

function without(kind: Own['kind'], id: string): Own[] {
  return own.get().filter((known) => known.kind !== kind || known.id !== id);
}

/** The right to change a thing, if this browser has it. */
export function useOwn(kind: Own['kind'], id: string): Own | undefined {
  return useStored(own).find((known) => known.kind === kind && known.id === id);
}
