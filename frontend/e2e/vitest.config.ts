import { defineConfig } from 'vitest/config';

// Whole journeys: the program that is built, and a browser.
export default defineConfig({
  resolve: { alias: { '@': new URL('../src', import.meta.url).pathname } },
  test: {
    root: new URL('.', import.meta.url).pathname,
    environment: 'node',
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 90_000,
  },
});
