import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

import { streamPath } from './api';
import { keys } from './queries';
import { applyChange, showChange, type Change } from './view';

/** Whether changes come in as they happen. */
export type LiveStatus = 'connecting' | 'live' | 'away';

const changes: Change['type'][] = ['post', 'post-deleted', 'comment', 'comment-deleted'];

const firstWait = 1_000;
const longestWait = 30_000;
/** A stream that lives has a heartbeat every 15 s; of one that does not, the browser may never learn. */
const longestSilence = 37_500;
/** How long the stream stays open while nobody looks: a browser has six connections to a server, for all its tabs. */
const unseen = 5_000;

/**
 * Keeps what is loaded up to date with the stream of changes until the function
 * returned is called, while the page is looked at. The browser itself comes again
 * where a connection breaks, and says up to where it has all; where it gives up,
 * because the answer was an error, or where nothing is heard, this does.
 */
export function follow(client: QueryClient, tell: (status: LiveStatus) => void): () => void {
  let source: EventSource | undefined;
  let again: ReturnType<typeof setTimeout>;
  let silent: ReturnType<typeof setTimeout>;
  let leaving: ReturnType<typeof setTimeout>;
  let wait = firstWait;

  const close = () => {
    clearTimeout(again);
    clearTimeout(silent);
    source?.close();
    source = undefined;
  };
  const heard = () => {
    clearTimeout(silent);
    silent = setTimeout(() => {
      tell('away');
      open();
    }, longestSilence);
  };
  const open = () => {
    close();
    const opened = new EventSource(streamPath);
    source = opened;
    heard();
    opened.onopen = () => {
      wait = firstWait;
      tell('live');
      heard();
    };
    opened.onerror = () => {
      tell('away');
      heard();
      if (opened.readyState !== EventSource.CLOSED) return;
      close();
      // Not all at once: others have lost it in the same moment.
      again = setTimeout(open, wait * (0.5 + Math.random()));
      wait = Math.min(2 * wait, longestWait);
    };
    const on = (type: string, then: (data: string) => void) => {
      opened.addEventListener(type, (event: MessageEvent<string>) => {
        heard();
        then(event.data);
      });
    };
    on('heartbeat', () => undefined);
    // What was read before the stream began, or over a gap in it, is read anew.
    on('hello', readAnew);
    on('resync', readAnew);
    for (const type of changes) {
      on(type, (data) => {
        const change = { type, data: JSON.parse(data) as unknown } as Change;
        applyChange(client, change);
        if (client.isFetching({ queryKey: keys.view }) > 0) late.push(change);
      });
    }
  };

  const readAnew = () => {
    late = [];
    void client.invalidateQueries();
  };

  // An answer that is under way when a change comes may be older than it, and
  // would take it back: so the change is made to the answer, too.
  let late: Change[] = [];
  const unsubscribe = client.getQueryCache().subscribe((event) => {
    if (late.length === 0 || event.type !== 'updated') return;
    if (event.action.type === 'success' && !event.action.manual) {
      for (const change of late) showChange(client, change);
    }
    if (client.isFetching({ queryKey: keys.view }) === 0) late = [];
  });

  const look = () => {
    clearTimeout(leaving);
    if (document.visibilityState === 'hidden') {
      leaving = setTimeout(() => {
        close();
        tell('connecting'); // as it will be when somebody looks
      }, unseen);
    } else if (!source) {
      wait = firstWait;
      open();
    }
  };
  window.addEventListener('online', look);
  document.addEventListener('visibilitychange', look);

  look();
  return () => {
    clearTimeout(leaving);
    close();
    unsubscribe();
    window.removeEventListener('online', look);
    document.removeEventListener('visibilitychange', look);
  };
}

/** Follows the changes for as long as the page is shown. */
export function useLive(): LiveStatus {
  const client = useQueryClient();
  const [status, setStatus] = useState<LiveStatus>('connecting');
  useEffect(() => follow(client, setStatus), [client]);
  return status;
}
