import { type InfiniteData, infiniteQueryOptions, QueryClient, queryOptions } from '@tanstack/react-query';

import { getOwnComment, getPost, listComments, listPosts, type Comment, type Page, type Post } from './api';
import { ApiError, retry } from './http';

/** A list as far as it is loaded. */
export type Pages<T> = InfiniteData<Page<T>, string | undefined>;

/** Where everything that is read is kept; what concerns the public view begins with view. */
export const keys = {
  view: ['view'],
  feed: ['view', 'feed'],
  post: (id: string) => ['view', 'post', id],
  comments: (postId: string) => ['view', 'comments', postId],
  own: (id: string) => ['own', id],
  place: ['place'],
} as const;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // The page may well come from this machine, which needs no network.
      queries: { ...retry, networkMode: 'always', staleTime: 30_000 },
      mutations: { networkMode: 'always' },
    },
  });
}

export const feedQuery = infiniteQueryOptions({
  queryKey: keys.feed,
  queryFn: ({ pageParam, signal }) => listPosts(pageParam, { signal }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (last: Page<Post>) => last.next,
});

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
  return feed?.pages.flatMap((page) => page.items).find((post) => post.id === id);
}

export const commentsQuery = (postId: string) =>
  infiniteQueryOptions({
    queryKey: keys.comments(postId),
    queryFn: ({ pageParam, signal }) => listComments(postId, pageParam, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<Comment>) => last.next,
  });

/** How often an own comment is looked at while it waits, should the live changes not come. */
const lookAgain = 5_000;

export const ownCommentQuery = (id: string, token: string) =>
  queryOptions({
    queryKey: keys.own(id),
    queryFn: ({ signal }) => getOwnComment(id, token, { signal }),
    refetchInterval: ({ state }) => (state.data?.status === 'pending' ? lookAgain : false),
  });
