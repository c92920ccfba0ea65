import { lazy, Suspense } from 'react';
import { Route, Routes } from 'react-router';

import { Nothing } from '@/components/Nothing';
import { Skeleton } from '@/components/Skeleton';
import { FeedPage } from '@/features/feed/FeedPage';
import { PostPage } from '@/features/post/PostPage';
import { text } from '@/lib/text';

import { Layout } from './Layout';

/** Few people moderate: for all others it is not loaded. */
const ModerationPage = lazy(() => import('@/features/moderation/ModerationPage'));

/** Which page an address is of. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Layout />}>
        <Route index element={<FeedPage />} />
        <Route path="posts/:id" element={<PostPage />} />
        <Route
          path="moderation/*"
          element={
            <Suspense fallback={<Skeleton />}>
              <ModerationPage />
            </Suspense>
          }
        />
        <Route path="*" element={<Nothing>{text.pageGone}</Nothing>} />
      </Route>
    </Routes>
  );
}
