import { defineConfig } from 'vitest/config';

// Whole journeys: the program that is built, and a browser.
export default defineConfig({
  cacheDir: new URL('../node_modules/.vite-e2e', import.meta.url).pathname,
  resolve: { alias: { '@': new URL('../src', import.meta.url).pathname } },
  test: {
    root: new URL('.', import.meta.url).pathname,
    environment: 'node',
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
