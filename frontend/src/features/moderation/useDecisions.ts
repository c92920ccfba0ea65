import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';

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
  const [undoing, setUndoing] = useState(false);
  const [error, setError] = useState<unknown>();

  // To decide twice what was decided, on the same text, changes nothing.
  const { mutateAsync } = useMutation({
    mutationFn: ({ held, verdict }: Decided) => decide(held, verdict),
    networkMode: 'always',
    ...retry,
  });

  const without = (id: string) => (list: Decided[]) => list.filter(({ held }) => held.id !== id);
  // Whether there is a decision on a comment, once all that was sent before is answered: of
  // two on their way at once, the second might arrive first.
  const stands = useRef(new Map<string, Promise<boolean>>());
  const send = (held: Held, verdict: Verdict): Promise<boolean> => {
    const before = stands.current.get(held.id);
    const arrives = (async () => {
      await before;
      setError(undefined);
      try {
        await mutateAsync({ held, verdict });
        forgetDraft(rejectionForm(held.id));
        return true;
      } catch (failed) {
        setError(failed);
        return false;
      } finally {
        await client.invalidateQueries({ queryKey: all });
      }
    })();
    stands.current.set(held.id, arrives.then((arrived) => arrived === (verdict.status !== 'flagged')));
    return arrives;
  };
  const last = decided.at(-1);
  return {
    error,
    last,
    undoing,
    /** A text that has been held again since is another case. */
    isDecided: ({ id, entry, since }: Held) =>
      decided.some(({ held }) => held.id === id && held.entry === entry && held.since === since),
    decide: (held: Held, verdict: Verdict) => {
      setDecided((list) => [...without(held.id)(list), { held, verdict }]);
      void send(held, verdict).then((arrived) => {
        if (!arrived) setDecided(without(held.id));
      });
    },
    undo: async () => {
      if (!last || undoing) return;
      const { held } = last;
      setUndoing(true);
      const arrived = (await stands.current.get(held.id)) && (await send(held, { status: 'flagged', reason: held.reason, note: held.note ?? '' }));
      if (arrived) setDecided(without(held.id));
      setUndoing(false);
    },
  };
}
