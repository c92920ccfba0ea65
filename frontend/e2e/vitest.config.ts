import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

// Whole journeys: the program that is built, and a browser.
export default defineConfig({
  cacheDir: fileURLToPath(new URL('../node_modules/.vite-e2e', import.meta.url)),
  resolve: { alias: { '@': fileURLToPath(new URL('../src', import.meta.url)) } },
  test: {
    root: fileURLToPath(new URL('.', import.meta.url)),
    environment: 'node',
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
