import { useSyncExternalStore } from 'react';

import { text } from './text';

const units: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['week', 7 * 86_400],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat(text.language, { numeric: 'auto' });
const exact = new Intl.DateTimeFormat(text.language, { dateStyle: 'full', timeStyle: 'short' });

/** How long ago something was, to the largest unit that fits. Clocks differ: what seems to be to come is now. */
export function ago(time: number, now: number): string {
  const seconds = Math.max(0, (now - time) / 1000);
  for (const [unit, size] of units) {
    if (seconds >= size) return relative.format(-Math.floor(seconds / size), unit);
  }
  return text.justNow;
}

export function exactTime(time: number): string {
  return exact.format(time);
}

const tick = 30_000;

/** The time of day, to half a minute. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(Date.now() / tick) * tick + tick);
}

function subscribe(changed: () => void) {
  const timer = setInterval(changed, tick);
  return () => {
    clearInterval(timer);
  };
}
