import type { RouteObject } from 'react-router';

import { FeedPage } from '@/features/feed/FeedPage';
import { PostPage } from '@/features/post/PostPage';

import { Broken, NoPage } from './errors';
import { Layout } from './Layout';

export const routes: RouteObject[] = [
  {
    element: <Layout />,
    errorElement: <Broken />,
    children: [
      { index: true, element: <FeedPage /> },
      { path: 'posts/:id', element: <PostPage /> },
      { path: '*', element: <NoPage /> },
    ],
  },
];
