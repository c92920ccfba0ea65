import { infiniteQueryOptions, queryOptions, type QueryClient } from '@tanstack/react-query';

import { nextCursor, type Page, type Status } from '@/lib/api';
import { ApiError, request, type Answer, type Options } from '@/lib/http';
import { stored } from '@/lib/storage';

/** A comment that waits for a person. */
export interface Held {
  id: string;
  postId: string;
  postTitle: string;
  content: string;
  author: string;
  version?: number;
  entry: string;
  rule: string;
  reason: string;
  note?: string;
  since: string;
  history?: { approved: number; rejected: number; held: number; first: boolean };
  claim?: { by: string; until: string };
}

export interface Summary {
  held: number;
  since?: string;
  overdue: boolean;
  you: string;
}

export interface Logged {
  entry: string;
  time: string;
  commentId: string;
  postId: string;
  moderator: string;
  status: Status;
  reason?: string;
  note?: string;
  rule?: string;
  content: string;
}

/** A rule: its conditions are what else it has. */
export interface Rule extends Record<string, Condition> {
  name: string;
  then: string;
  reason: string;
}

type Condition = string | number | string[];

export interface Rules {
  source: string;
  loaded: string;
  error?: string;
  rules: Rule[];
  otherwise: string;
}

/** What the rules say of a text. */
export interface Tried {
  status?: Status;
  reason?: string;
  note?: string;
  rule?: string;
  otherwise?: string;
}

export interface Verdict {
  status: Status;
  reason: string;
  note: string;
}

const moderation = '/api/moderator/moderation';

/** The token that a moderator has signed in with, '' for none. */
export const token = stored('moderator', (value) => (typeof value === 'string' ? value : ''));

/** The caller knows of what form the answer is. */
async function ask(path: string, options: Options = {}): Promise<Answer<unknown>> {
  const held = token.get();
  const headers = held ? { Authorization: `Bearer ${held}` } : {};
  return request(moderation + path, { ...options, headers });
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
  queryFn: async ({ signal }) => (await ask('/summary', { signal })).data as Summary,
  refetchInterval: often,
});

export const queueQuery = queryOptions({
  queryKey: [...all, 'queue'],
  queryFn: async ({ signal }) => (await ask('/queue?limit=50', { signal })).data as Held[],
  refetchInterval: often,
});

export const logQuery = (status: string) =>
  infiniteQueryOptions({
    queryKey: [...all, 'log', status],
    queryFn: async ({ pageParam, signal }): Promise<Page<Logged>> => {
      const search = new URLSearchParams();
      if (status) search.set('status', status);
      if (pageParam) search.set('cursor', pageParam);
      const { data, headers } = await ask(`/log?${search}`, { signal });
      return { items: data as Logged[], next: nextCursor(headers.get('Link')) };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
  });

export const rulesQuery = queryOptions({
  queryKey: [...all, 'rules'],
  queryFn: async ({ signal }) => (await ask('/rules', { signal })).data as Rules,
});

/** Decides on the text that was read, and on no other. */
export async function decide(held: Held, verdict: Verdict): Promise<void> {
  const read = held.version ? { version: held.version } : { entry: held.entry };
  await ask('/decisions', { method: 'POST', body: { commentId: held.id, ...read, ...verdict } });
}

/** Where the words of a rejection are kept until it has arrived. */
export const rejectionForm = (id: string) => `reject:${id}`;

/** Says to the other moderators that this one works on a comment. That they do not learn of it does no harm. */
export function claim(id: string, method: 'POST' | 'DELETE'): void {
  ask(`/queue/${encodeURIComponent(id)}/claim`, { method }).catch(() => undefined);
}

export async function check(content: string, author: string): Promise<Tried> {
  return (await ask('/check', { method: 'POST', body: { content, author } })).data as Tried;
}

/** Signs in, or with '' out: what the one before was shown is gone. */
export async function signIn(client: QueryClient, given: string): Promise<void> {
  token.set(given);
  await client.resetQueries({ queryKey: all });
}
