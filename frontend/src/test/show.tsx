import { QueryClientProvider } from '@tanstack/react-query';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { MemoryRouter } from 'react-router';

import { createQueryClient } from '@/lib/queries';

/** Shows a part of the page at an address, with a store of its own. */
export function show(part: ReactNode, at = '/') {
  const client = createQueryClient();
  const user = userEvent.setup();
  const shown = render(
    <QueryClientProvider client={client}>
      <MemoryRouter initialEntries={[at]}>{part}</MemoryRouter>
    </QueryClientProvider>,
  );
  return { client, user, ...shown };
}
