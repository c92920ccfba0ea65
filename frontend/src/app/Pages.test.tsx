import { screen } from '@testing-library/react';
import { http } from 'msw';
import { expect, test, vi } from 'vitest';

import { problem, server } from '@/test/server';
import { show } from '@/test/show';

import { Pages } from './Pages';

vi.mock('@/lib/live', () => ({ useLive: () => 'live' }));
vi.mock('@/features/feed/FeedPage', () => ({
  FeedPage: () => {
    throw new Error('a mistake');
  },
}));

test('a page that fails says so below the masthead, and the next one is shown', async () => {
  vi.spyOn(console, 'error').mockReturnValue(); // React tells of it
  server.use(http.get('/api/moderator/moderation/summary', () => problem(401)));
  const { user } = show(<Pages />);
  expect(screen.getByRole('alert')).toHaveTextContent('Something went wrong');
  await user.click(screen.getByRole('link', { name: 'Moderation' }));
  expect(await screen.findByLabelText('Token')).toBeVisible();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});
