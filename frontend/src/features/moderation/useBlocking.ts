import { useMutation, useQueryClient } from '@tanstack/react-query';

import { retry } from '@/lib/http';

import { all, block, unblock, type Held, type NewBlock } from './api';

type Order = Pick<NewBlock, 'kind' | 'then'> & { held: Held };

/** Holds or rejects what an author or a network writes from now on. The last block can be undone. */
export function useBlocking() {
  const client = useQueryClient();
  const settled = { networkMode: 'always' as const, ...retry, onSettled: () => client.invalidateQueries({ queryKey: all }) };
  const adding = useMutation({ mutationFn: ({ held, kind, then }: Order) => block({ commentId: held.id, kind, then }), ...settled });
  const undoing = useMutation({
    mutationFn: unblock,
    ...settled,
    onSuccess: () => {
      adding.reset();
    },
  });
  return {
    /** The block that was added last. */
    last: adding.data,
    error: adding.error ?? undoing.error,
    undoing: undoing.isPending,
    add: (held: Held, kind: Order['kind'], then: Order['then']) => {
      if (!adding.isPending) adding.mutate({ held, kind, then });
    },
    undo: () => {
      if (adding.data && !undoing.isPending) undoing.mutate(adding.data.id);
    },
  };
}
