import { useEffect, useRef } from 'react';

import { stored, useStored } from '@/lib/storage';

/** Keys without a modifier can be in the way of other tools, and so can be turned off (WCAG 2.1.4). */
const wanted = stored('shortcuts', (value) => value !== false);

const typing = 'input:not([type=checkbox]), textarea, select, [contenteditable]';

/** Does what belongs to a key wherever on the page it is pressed, but where something is typed. */
export function useShortcuts(actions: Record<string, () => void>) {
  const on = useStored(wanted);
  const latest = useRef(actions);
  useEffect(() => {
    latest.current = actions;
  });
  useEffect(() => {
    if (!on) return;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
      if (event.target instanceof Element && event.target.closest(typing)) return;
      const act = latest.current[event.key.toLowerCase()];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', press);
    return () => {
      document.removeEventListener('keydown', press);
    };
  }, [on]);
  return {
    on,
    toggle: () => {
      wanted.set(!on);
    },
  };
}
