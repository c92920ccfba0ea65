import { fileURLToPath } from 'node:url';

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

import { compress } from './compress.ts';

export default defineConfig({
  plugins: [react(), compress()],
  resolve: { alias: { '@': fileURLToPath(new URL('src', import.meta.url)) } },
  build: {
    // The server's policy forbids what is inline; every browser that runs React
    // 19 preloads modules by itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700, // what counts is the size that is sent, which TestBudget holds
  },
  // npm run dev shows the page as it is in src, with the services behind the Go server.
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://localhost:3000/' } },
    setupFiles: 'src/test/setup.ts',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    testTimeout: 60_000, // only ends a test that hangs, also on a machine that is busy with others
    css: { modules: { classNameStrategy: 'non-scoped' } },
  },
});
