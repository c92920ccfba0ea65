import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { streamPath } from './api';
import { keys } from './queries';
import { applyChange, type Change } from './view';

/** Whether changes come in as they happen. */
export type LiveStatus = 'connecting' | 'live' | 'away';

const changes: Change['type'][] = ['post', 'post-deleted', 'comment', 'comment-deleted'];

const firstWait = 1_000;
const longestWait = 30_000;

/**
 * Keeps what is loaded up to date with the stream of changes until the function
 * returned is called. The browser itself comes again where a connection breaks,
 * and says up to where it has all; where it gives up, because the answer was an
 * error, this does.
 */
export function follow(client: QueryClient, tell: (status: LiveStatus) => void): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wait = firstWait;

  const open = () => {
    timer = undefined;
    source = new EventSource(streamPath);
    source.onopen = () => {
      wait = firstWait;
      tell('live');
    };
    source.onerror = () => {
      tell('away');
      if (source.readyState !== EventSource.CLOSED) return;
      // Not all at once: others have lost it in the same moment.
      timer = setTimeout(open, wait * (0.5 + Math.random()));
      wait = Math.min(2 * wait, longestWait);
    };
    // What was read before the stream began, or over a gap in it, is read anew.
    source.addEventListener('hello', readAnew);
    source.addEventListener('resync', readAnew);
    for (const type of changes) {
      source.addEventListener(type, (event) => {
        applyChange(client, { type, data: JSON.parse(event.data as string) as unknown } as Change);
        overtaken ||= client.isFetching({ queryKey: keys.view }) > 0;
      });
    }
  };

  const readAnew = () => {
    void client.invalidateQueries();
  };

  // An answer that is under way when a change comes may be older than it, and
  // would take it back.
  let overtaken = false;
  const unsubscribe = client.getQueryCache().subscribe(() => {
    if (overtaken && client.isFetching({ queryKey: keys.view }) === 0) {
      overtaken = false;
      void client.invalidateQueries({ queryKey: keys.view });
    }
  });

  const retryNow = () => {
    if (timer === undefined || document.visibilityState === 'hidden') return;
    clearTimeout(timer);
    wait = firstWait;
    open();
  };
  window.addEventListener('online', retryNow);
  document.addEventListener('visibilitychange', retryNow);

  open();
  return () => {
    clearTimeout(timer);
    source.close();
    unsubscribe();
    window.removeEventListener('online', retryNow);
    document.removeEventListener('visibilitychange', retryNow);
  };
}

/** Follows the changes for as long as the page is shown. */
export function useLive(): LiveStatus {
  const client = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>('connecting');
  useEffect(() => follow(client, setStatus), [client]);
  return status;
}
