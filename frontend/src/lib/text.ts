import type { Status } from './api';

const number = new Intl.NumberFormat('en');
const count = (n: number, one: string, many: string) => `${number.format(n)} ${n === 1 ? one : many}`;

/** Everything that the page says. */
export const text = {
  language: 'en',
  name: 'Newsfeed',
  skip: 'Skip to the content',
  justNow: 'just now',
  anonymous: 'Anonymous',

  live: { connecting: 'Connecting', live: 'Live', away: 'Reconnecting' },
  liveHint: {
    connecting: 'Connecting to live updates',
    live: 'New posts and comments appear by themselves',
    away: 'Live updates are interrupted. What you see may be a little old; trying again.',
  },

  feedTitle: 'Latest posts',
  feedEmpty: 'Nothing here yet',
  feedEmptyHint: 'Be the first: write a post above. It appears here, and for everybody who has this page open.',
  feedEnd: 'That was everything.',
  arrived: (n: number) => count(n, 'new post', 'new posts'),
  moreComments: 'Show more comments',
  loading: 'Loading',
  readPost: 'Read on',
  comments: (n: number) => (n === 0 ? 'No comments yet' : count(n, 'comment', 'comments')),
  toComments: (n: number) => (n === 0 ? 'Comment' : count(n, 'comment', 'comments')),
  earlier: (n: number) => count(n, 'earlier comment', 'earlier comments'),
  waiting: (n: number) => `${count(n, 'comment is', 'comments are')} awaiting moderation`,

  back: 'All posts',
  commentsTitle: 'Comments',
  commentsEmpty: 'No comments yet. Say the first word.',
  notFound: 'There is nothing here',
  postGone: 'This post does not exist, or was deleted.',
  pageGone: 'No page has this address.',

  compose: 'Write a post…',
  composeTitle: 'New post',
  title: 'Title',
  body: 'Text',
  author: 'Name',
  content: 'Comment',
  optional: 'optional',
  preview: 'Preview',
  previewOf: (label: string) => `${label}, as it will look`,
  previewEmpty: 'Nothing to show yet.',
  markdownHint: 'Markdown works: **bold**, *italic*, `code`, lists, links.',
  post: 'Post',
  posting: 'Posting…',
  cancel: 'Cancel',
  posted: 'Your post is out.',
  commentTitle: 'Your comment',
  comment: 'Comment',
  commenting: 'Sending…',
  commentNote: 'Comments are read by a moderator before everybody sees them.',
  commented: 'Sent. Above you see where your comment stands.',
  left: (n: number) => (n >= 0 ? `${number.format(n)} left` : `${number.format(-n)} too many`),

  status: {
    pending: 'Awaiting moderation',
    approved: 'Approved',
    rejected: 'Rejected',
    flagged: 'Held for a moderator',
  } satisfies Record<Status, string>,
  edit: 'Edit',
  delete: 'Delete',
  save: 'Save',
  saving: 'Saving…',
  editTitle: 'Edit post',
  editComment: 'Edit comment',
  editNote: 'A changed comment is looked at again before others see it.',
  yours: 'your comment',
  deleted: { post: 'Post deleted.', comment: 'Comment deleted.' },
  notDeletedYet: 'Not deleted yet: no answer. Trying again…',
  undo: 'Undo',

  onlyYou: 'Only you see this.',

  retry: 'Try again',
  retrying: 'No answer yet. Trying again…',
  failed: {
    unreachable: 'The server cannot be reached. Nothing you wrote is lost; check the connection and try again.',
    unavailable: 'This part of Newsfeed is down for the moment. Nothing you wrote is lost; try again shortly.',
    tooMany: 'That was a lot at once. Wait a moment and try again.',
    invalid: 'Please look at the marked fields.',
    other: 'Something went wrong on our side. Please try again.',
  },
  stale: 'What you see may be out of date.',
} as const;
