import { useMutation } from '@tanstack/react-query';

import { ApiError, retry } from './http';
import { isRecord, omit, stored } from './storage';

/** The keys of writes whose answer has not come, by form, so that a reload does not lose them. */
const keys = stored<Record<string, { body: string; key: string }>>('keys', (value) =>
  isRecord(value) ? (value as Record<string, { body: string; key: string }>) : {},
);

/**
 * A write that makes one thing, however often it has to be sent: while the body
 * stays the same, so does its Idempotency-Key.
 */
export function useWrite<In, Out>(
  form: string,
  send: (input: In, key: string) => Promise<Out>,
  done: (made: Out, input: In) => void,
) {
  const mutation = useMutation<Out, ApiError | Error, In>({
    mutationFn: (input) => send(input, keyFor(form, JSON.stringify(input))),
    ...retry,
    onSuccess: (made, input) => {
      if (keys.get()[form]?.body === JSON.stringify(input)) keys.set(omit(keys.get(), form)); // not that of another
      done(made, input);
    },
  });
  const error = mutation.error;
  return {
    send: mutation.mutate,
    sending: mutation.isPending,
    /** It has failed and is being sent again. */
    retrying: mutation.isPending && mutation.failureCount > 0,
    error,
    /** What is wrong with the fields, by name. */
    fields: error instanceof ApiError ? error.fields : {},
    reset: mutation.reset,
  };
}

function keyFor(form: string, body: string): string {
  const known = keys.get()[form];
  if (known?.body === body) return known.key;
  const key = uuid();
  keys.set({ ...keys.get(), [form]: { body, key } });
  return key;
}

/** crypto.randomUUID is missing where the page comes over plain HTTP from another machine. */
function uuid(): string {
  if ('randomUUID' in crypto) return crypto.randomUUID();
  return Array.from((crypto as Crypto).getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
