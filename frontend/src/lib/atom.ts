/** Where feed readers follow what is new. */
export const atom = {
  posts: '/api/query/feed.atom',
  comments: (postId: string) => `/api/query/posts/${encodeURIComponent(postId)}/comments.atom`,
};
