import { useQueryClient } from '@tanstack/react-query';
import type { VirtualItem } from '@tanstack/react-virtual';
import { useCallback, useLayoutEffect, useState } from 'react';
import { NavigationType, useNavigationType } from 'react-router';

import { keys } from '@/lib/queries';

/** Where a person was in the feed, how high the posts are, and up to when they are shown, to come back to. */
export interface Place {
  sizes: VirtualItem[];
  offset: number;
  edge: number | undefined;
}

/** Who goes back to the feed finds it where they left it. */
export function usePlace() {
  const client = useQueryClient();
  const navigation = useNavigationType();
  const [known] = useState(() =>
    navigation === NavigationType.Pop && client.getQueryData(keys.feed) ? client.getQueryData<Place>(keys.place) : undefined,
  );
  useLayoutEffect(() => {
    if (known) window.scrollTo(0, known.offset);
  }, [known]);
  const keep = useCallback(
    (place: Place) => {
      client.setQueryData<Place>(keys.place, place);
    },
    [client],
  );
  return { known, keep };
}
