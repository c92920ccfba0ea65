import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query';

import { nextCursor, search, type Answered, type Page, type Search } from '@/lib/api';
import { ApiError, request, type Answer, type Options } from '@/lib/http';
import type { components, operations } from '@/lib/openapi/moderator';
import { moderatorToken as token } from '@/lib/moderator';

type Schemas = components['schemas'];

/** A comment that waits for a person. */
export type Held = Schemas['HeldComment'];

/** A verdict, of whomever. */
export type Logged = Schemas['Logged'];

/** A rule: its condition is what else it has. */
export type Rule = Schemas['Rule'];

export interface Verdict {
  status: Schemas['Verdict'];
  reason: string;
  note: string;
}

const moderation = '/api/moderator/moderation';

/** Asks for what an operation of the moderator answers. */
async function ask<Op extends keyof operations>(path: string, options: Options = {}): Promise<Answer<Answered<operations[Op]>>> {
  const held = token.get();
  const headers = held ? { Authorization: `Bearer ${held}` } : {};
  return (await request(moderation + path, { ...options, headers })) as Answer<Answered<operations[Op]>>;
}

/** Whether somebody has to sign in before this can be done. */
export function isRefused(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 401 || error.status === 403);
}

export const all = ['moderation'];

/** How often the queue is looked at. */
const often = 5_000;

export const summaryQuery = queryOptions({
  queryKey: [...all, 'summary'],
  queryFn: async ({ signal }) => (await ask<'summary'>('/summary', { signal })).data,
  refetchInterval: often,
});

export const queueQuery = queryOptions({
  queryKey: [...all, 'queue'],
  queryFn: async ({ signal }) => (await ask<'queue'>(`/queue${search<operations['queue']>({ limit: 50 })}`, { signal })).data,
  refetchInterval: often,
});

/** The verdicts of the log that can be asked for alone. */
export type Shown = NonNullable<Search<operations['log']>['status']>;

/** The verdicts of that kind, all if '', on one comment or on all. */
export const logQuery = (status: Shown, comment: string | null) =>
  infiniteQueryOptions({
    queryKey: [...all, 'log', status, comment],
    queryFn: async ({ pageParam, signal }): Promise<Page<Logged>> => {
      const part = search<operations['log']>({
        ...(status && { status }),
        ...(comment !== null && { comment }),
        ...(pageParam !== undefined && { before: pageParam }),
      });
      const { data, headers } = await ask<'log'>(`/log${part}`, { signal });
      return { items: data, next: nextCursor(headers.get('Link'), 'before') };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });

export const rulesQuery = queryOptions({
  queryKey: [...all, 'rules'],
  queryFn: async ({ signal }) => (await ask<'rules'>('/rules', { signal })).data,
});

/** Decides on the text that was read, and on no other. */
export async function decide({ id, version, entry }: Pick<Held, 'id' | 'version' | 'entry'>, verdict: Verdict): Promise<void> {
  const read = version ? { version } : { entry };
  const body: Schemas['Decision'] = { commentId: id, ...read, ...verdict };
  await ask<'decide'>('/decisions', { method: 'POST', body });
}

/** Where the words of a rejection are kept until it has arrived. */
export const rejectionForm = (id: string) => `reject:${id}`;

/** Says to the other moderators that this one works on a comment. That they do not learn of it does no harm. */
export function claim(id: string, method: 'POST' | 'DELETE'): void {
  ask<'claim' | 'release'>(`/queue/${encodeURIComponent(id)}/claim`, { method }).catch(() => undefined);
}

export async function check(content: string, author: string): Promise<Schemas['Tried']> {
  return (await ask<'checkText'>('/check', { method: 'POST', body: { content, author } })).data;
}

/** Signs in, or with '' out: what the one before was shown is gone. */
export async function signIn(client: QueryClient, given: string): Promise<void> {
  token.set(given);
  await client.resetQueries({ queryKey: all });
}
