import { QueryClientProvider } from '@tanstack/react-query';
import { useState } from 'react';
import { BrowserRouter } from 'react-router';

import { createQueryClient } from '@/lib/queries';

import { Boundary } from './Boundary';
import { Pages } from './Pages';

export function App() {
  const [client] = useState(createQueryClient);
  return (
    <Boundary>
      <QueryClientProvider client={client}>
        <BrowserRouter>
          <Pages />
        </BrowserRouter>
      </QueryClientProvider>
    </Boundary>
  );
}
