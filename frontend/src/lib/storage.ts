import { useSyncExternalStore } from 'react';

/**
 * One value in local storage that every part of the page sees change, other tabs
 * included. Where the browser keeps nothing, it lasts as long as the page.
 */
export interface Stored<T> {
  get: () => T;
  set: (value: T) => void;
  subscribe: (changed: () => void) => () => void;
}

const prefix = 'newsfeed:';

/** read makes a value of what is stored, which may be undefined or from another version of the page. */
export function stored<T>(name: string, read: (value: unknown) => T): Stored<T> {
  const key = prefix + name;
  const listeners = new Set<() => void>();
  let text: string | null | undefined;
  let value: T;
  let lost = false; // the browser has refused to keep the value
  const get = () => {
    const now = lost ? text : load(key, text);
    if (now !== text) {
      text = now;
      value = read(parse(now ?? null));
    }
    return value;
  };
  return {
    get,
    set: (next) => {
      text = JSON.stringify(next);
      value = next;
      try {
        localStorage.setItem(key, text);
        lost = false;
      } catch {
        lost = true; // full, or not permitted
      }
      listeners.forEach((changed) => {
        changed();
      });
    },
    subscribe: (changed) => {
      const elsewhere = (event: StorageEvent) => {
        if (event.key === null || event.key === key) changed();
      };
      listeners.add(changed);
      window.addEventListener('storage', elsewhere);
      return () => {
        listeners.delete(changed);
        window.removeEventListener('storage', elsewhere);
      };
    },
  };
}

export function useStored<T>(store: Stored<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

function load(key: string, otherwise: string | null | undefined): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return otherwise ?? null;
  }
}

function parse(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function omit<T>(record: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}
