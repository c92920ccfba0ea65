import { Route, Routes } from 'react-router';

import { Nothing } from '@/components/Nothing';
import { FeedPage } from '@/features/feed/FeedPage';
import { PostPage } from '@/features/post/PostPage';
import { text } from '@/lib/text';

import { Layout } from './Layout';

/** Which page an address is of. */
export function Pages() {
  return (
    <Routes>
      <Route element={<Layout />}>
        <Route index element={<FeedPage />} />
        <Route path="posts/:id" element={<PostPage />} />
        <Route path="*" element={<Nothing>{text.pageGone}</Nothing>} />
      </Route>
    </Routes>
  );
}
