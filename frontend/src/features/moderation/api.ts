import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query';

import { nextCursor, search, type Answered, type Page, type Search } from '@/lib/api';
import { ApiError, request, type Answer, type Options } from '@/lib/http';
import type { components, operations } from '@/lib/openapi/moderator';
import { moderatorName, moderatorToken as token } from '@/lib/moderator';

type Schemas = components['schemas'];

/** A comment that waits for a person. */
export type Held = Schemas['HeldComment'];

/** A line of the log: a verdict, of whomever, or what else a moderator did. */
export type Logged = Schemas['Logged'];

/** A line of the log that is a verdict. */
export type LoggedVerdict = Logged & Required<Pick<Logged, 'commentId' | 'status' | 'content'>>;

/** An author or a network that is held or rejected. */
export type Block = Schemas['Block'];
export type NewBlock = Schemas['NewBlock'];

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
  queryFn: async ({ signal }) => {
    const { data } = await ask<'summary'>('/summary', { signal });
    if (moderatorName.get() !== data.you) moderatorName.set(data.you);
    return data;
  },
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

export const blocksQuery = infiniteQueryOptions({
  queryKey: [...all, 'blocks'],
  queryFn: async ({ pageParam, signal }): Promise<Page<Block>> => {
    const part = search<operations['blocks']>({ ...(pageParam !== undefined && { cursor: pageParam }) });
    const { data, headers } = await ask<'blocks'>(`/blocks${part}`, { signal });
    return { items: data, next: nextCursor(headers.get('Link')) };
  },
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last) => last.next,
});

export async function block(body: NewBlock): Promise<Block> {
  return (await ask<'block'>('/blocks', { method: 'POST', body })).data;
}

/** Ends a block. That it has ended already is as good. */
export async function unblock(id: string): Promise<void> {
  try {
    await ask<'unblock'>(`/blocks/${encodeURIComponent(id)}`, { method: 'DELETE' });
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  }
}

/** As many characters as the moderator takes of a reason or a note. */
export const longest = 1000;

export async function takeDown(post: string, reason: string, note: string): Promise<void> {
  await ask<'takeDown'>(`/posts/${encodeURIComponent(post)}/takedown`, { method: 'POST', body: { reason, note } });
}

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
  moderatorName.set('');
  await client.resetQueries({ queryKey: all });
}
