import { type InfiniteData, infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query';

import { getComment, getOwnComment, getPost, listComments, listPosts, type Comment, type OwnComment, type Page, type Post } from './api';
import { ApiError, retry } from './http';
import { newestFirst, oldestFirst, type Order } from './order';

/** A list as far as it is loaded. */
export type Pages<T> = InfiniteData<Page<T>, string | undefined>;

/** Where everything that is read is kept; what concerns the public view begins with view. */
export const keys = {
  view: ['view'],
  feed: ['view', 'feed'],
  post: (id: string) => ['view', 'post', id],
  comments: (postId: string) => ['view', 'comments', postId],
  own: (id: string) => ['own', id],
  whole: (id: string, version: number) => ['whole', id, version],
  place: ['place'],
} as const;

export function createQueryClient(): QueryClient {
  const client = new QueryClient({
    defaultOptions: {
      // The page may well come from this machine, which needs no network.
      queries: { ...retry, networkMode: 'always', staleTime: 30_000 },
      mutations: { networkMode: 'always' },
    },
  });
  // Who reads a post for long comes back to where they were.
  for (const queryKey of [keys.feed, keys.place]) client.setQueryDefaults(queryKey, { gcTime: Infinity });
  return client;
}

export const feedQuery = infiniteQueryOptions({
  queryKey: keys.feed,
  queryFn: ({ client, pageParam, signal }) => {
    const read = (cursor: string | undefined, limit?: number) => listPosts(cursor, { limit, signal });
    return pageParam === undefined ? asFar(read, client.getQueryData<Pages<Post>>(keys.feed), newestFirst) : read(pageParam);
  },
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: Page<Post>) => last.next,
});

/** How many things a page has, how many it can have, and how often the next are asked for to make one page of them. */
const [usual, largest, patience] = [20, 100, 10];

/**
 * Reads the first page of a list anew, at least as far as it was known: what has
 * come in since is in it, and nobody is to lose their place.
 */
async function asFar<T extends Post | Comment>(
  read: (cursor: string | undefined, limit?: number) => Promise<Page<T>>,
  list: Pages<T> | undefined,
  order: Order,
): Promise<Page<T>> {
  const known = list?.pages[0]?.items ?? [];
  const end = known.at(-1);
  let page = await read(undefined, known.length > usual ? Math.min(known.length, largest) : undefined);
  for (let asked = 1; asked < patience && page.next !== undefined; asked++) {
    const last = page.items.at(-1);
    if (!end || !last || order(last, end) >= 0) break;
    const left = known.length - page.items.length;
    const { items, next } = await read(page.next, left > 0 ? Math.min(left, largest) : largest);
    page = { items: [...page.items, ...items], next };
  }
  return page;
}

/**
 * A post; what the feed has of it is shown until it is there, and stays should it not come. Null says that
 * there is none: an answer, which also stays while it is asked for again, and no error.
 */
export const postQuery = (client: QueryClient, id: string) =>
  queryOptions<Post | null>({
    queryKey: keys.post(id),
    queryFn: ({ signal }) => orNull(getPost(id, { signal })),
    initialData: () => inFeed(client, id),
    initialDataUpdatedAt: 0, // the feed may have been read long ago
  });

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

function inFeed(client: QueryClient, id: string): Post | undefined {
  const feed = client.getQueryData<Pages<Post>>(keys.feed);
  // One that is cut is no stand-in for the whole.
  return feed?.pages.flatMap((page) => page.items).find((post) => post.id === id && !post.truncated);
}

export const commentsQuery = (postId: string) =>
  infiniteQueryOptions({
    queryKey: keys.comments(postId),
    queryFn: ({ client, pageParam, signal }) => {
      const read = (cursor: string | undefined, limit?: number) => listComments(postId, cursor, { limit, signal });
      return pageParam === undefined ? asFar(read, client.getQueryData<Pages<Comment>>(keys.comments(postId)), oldestFirst) : read(pageParam);
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<Comment>) => last.next,
  });

/** How often an own comment is looked at while it waits, should the live changes not come. */
const lookAgain = 5_000;

/** An own comment; null if it is deleted. */
export const ownCommentQuery = (id: string, token: string) =>
  queryOptions<OwnComment | null>({
    queryKey: keys.own(id),
    queryFn: ({ signal }) => orNull(getOwnComment(id, token, { signal })),
    refetchInterval: ({ state }) => (state.data?.status === 'pending' ? lookAgain : false),
  });

/** The whole text of a comment that was cut, as of that version or later. */
export const wholeQuery = ({ id, version }: Pick<Comment, 'id' | 'version'>) =>
  queryOptions<OwnComment | null>({
    queryKey: keys.whole(id, version),
    queryFn: ({ signal }) => orNull(getComment(id, { signal })),
    staleTime: Infinity,
  });
