import { expect, test } from 'vitest';

import { excerpt } from './excerpt';

const words = (n: number) => Array.from({ length: n }, (_, i) => `word${i}`).join(' ');

test.each([
  ['', undefined],
  ['short', undefined],
  ['x'.repeat(600), undefined],
  ['1\n2\n3\n4\n5\n6\n7\n8\n9', undefined],
  ['1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11', '1\n2\n3\n4\n5\n6\n7\n8\n9'],
  ['1\n2\n3\n\n5\n6\n7\n8\n9\n10', '1\n2\n3'], // not in the midst of a paragraph, list or table
  ['1\n2\n\n4\n5\n6\n7\n8\n9\n10', '1\n2\n\n4\n5\n6\n7\n8\n9'], // that would be too little
  ['1\n2\n3\n4\n5\n6\n7\n8\n9\n\n11', '1\n2\n3\n4\n5\n6\n7\n8\n9'],
  ['x'.repeat(601), `${'x'.repeat(600)}…`],
])('%j is cut to %j', (text, want) => {
  expect(excerpt(text)).toBe(want);
});

test('a long line is cut behind a word', () => {
  const cut = excerpt(words(200)) ?? '';
  expect(cut.length).toBeGreaterThan(580);
  expect(words(200).startsWith(`${cut.slice(0, -1)} `)).toBe(true);
});
