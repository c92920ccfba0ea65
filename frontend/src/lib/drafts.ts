import { useCallback } from 'react';

import { isRecord, omit, stored, useStored } from './storage';

type Texts = Record<string, string>;

/** What is typed in each form and not sent yet, and the name of the person who types. */
const drafts = stored<Record<string, Texts>>('drafts', (value) => (isRecord(value) ? (value as Record<string, Texts>) : {}));
const name = stored('name', (value) => (typeof value === 'string' ? value : ''));

/**
 * The texts of a form, kept over a reload. The name of the author is that of the
 * last form sent, until another is typed.
 */
export function useDraft<T extends Texts & { author: string }>(form: string, empty: T) {
  const author = useStored(name);
  const { clear: forget, ...rest } = useKept(form, { ...empty, author });
  const clear = useCallback(
    (sent: T) => {
      const typed = Object.entries(drafts.get()[form] ?? {});
      if (typed.every(([field, text]) => sent[field] === text)) forget(); // and nothing else since
      name.set(sent.author);
    },
    [form, forget],
  );
  return { ...rest, clear };
}

/** The texts of a form as they were typed, over a reload, or else those given. */
export function useKept<T extends Texts>(form: string, given: T) {
  const kept = useStored(drafts)[form];
  const draft = Object.fromEntries(Object.entries(given).map(([field, text]) => [field, kept?.[field] ?? text])) as T;
  const change = useCallback(
    (field: keyof T & string, text: string) => {
      const all = drafts.get();
      drafts.set({ ...all, [form]: { ...all[form], [field]: text } });
    },
    [form],
  );
  const clear = useCallback(() => {
    forgetDraft(form);
  }, [form]);
  return { draft, touched: kept !== undefined, change, clear };
}

/** What was typed in a form has arrived, or is not wanted any more. */
export function forgetDraft(form: string): void {
  drafts.set(omit(drafts.get(), form));
}
