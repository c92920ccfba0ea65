import { useState } from 'react';

import { ApiError } from '@/lib/http';
import { stored, useStored } from '@/lib/storage';

/** The token with which a person has posted where not everybody may, '' for none. */
const poster = stored('poster', (value) => (typeof value === 'string' ? value : ''));

/** The token for posting: that which is kept, or another that is typed when it is asked for, and kept when it has served. */
export function usePoster() {
  const kept = useStored(poster);
  const [given, setGiven] = useState('');
  const [tried, setTried] = useState('');
  const token = given.trim() || kept;
  return {
    token,
    kept: kept !== '',
    given,
    setGiven,
    /** The token of the last try. */
    tried,
    trying: () => {
      setTried(token);
    },
    served: () => {
      if (token !== kept) poster.set(token);
    },
    forget: () => {
      poster.set('');
    },
  };
}

/** Whether somebody needs a token, or another one, before this can be done. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 401 || error.status === 403);
}
