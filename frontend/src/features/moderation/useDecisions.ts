import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { forgetDraft } from '@/lib/drafts';
import { retry } from '@/lib/http';

import { all, decide, rejectionForm, type Held, type Verdict } from './api';

interface Decided {
  held: Held;
  verdict: Verdict;
}

/**
 * Decides at once for the eye: a decision that is refused has its comment come
 * back. The last ones can be undone, by holding the comment again.
 */
export function useDecisions() {
  const client = useQueryClient();
  const [decided, setDecided] = useState<Decided[]>([]);
  const [error, setError] = useState<unknown>();

  // To decide twice what was decided, on the same text, changes nothing.
  const { mutateAsync } = useMutation({
    mutationFn: ({ held, verdict }: Decided) => decide(held, verdict),
    networkMode: 'always',
    ...retry,
  });

  const without = (id: string) => (list: Decided[]) => list.filter(({ held }) => held.id !== id);
  const send = async (held: Held, verdict: Verdict) => {
    setError(undefined);
    try {
      await mutateAsync({ held, verdict });
      forgetDraft(rejectionForm(held.id));
    } catch (failed) {
      setError(failed);
      setDecided(without(held.id));
    }
    await client.invalidateQueries({ queryKey: all });
  };
  const last = decided.at(-1);
  return {
    error,
    last,
    /** A text that has been held again since is another case. */
    isDecided: ({ id, entry, since }: Held) =>
      decided.some(({ held }) => held.id === id && held.entry === entry && held.since === since),
    decide: (held: Held, verdict: Verdict) => {
      setDecided((list) => [...without(held.id)(list), { held, verdict }]);
      void send(held, verdict);
    },
    undo: async () => {
      if (!last) return;
      const { held } = last;
      await send(held, { status: 'flagged', reason: held.reason, note: held.note ?? '' });
      setDecided(without(held.id));
    },
  };
}
