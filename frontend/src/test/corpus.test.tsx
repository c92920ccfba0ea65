import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { render } from '@testing-library/react';
import { expect, test } from 'vitest';

import { Markdown } from '@/components/Markdown';

import { missed, shown, words, type Disguise, type Reading } from './shown';

const file = (path: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../../..', path), 'utf8'));

const page = (source: string) => {
  const { container, unmount } = render(<Markdown>{source}</Markdown>);
  const seen = shown(container);
  unmount();
  return seen;
};

test('the moderator reads every word and every host that the page shows', { timeout: 120_000 }, () => {
  const corpus = file('internal/markdown/testdata/corpus.json') as Reading[];
  expect(corpus.length).toBeGreaterThanOrEqual(1_400);
  const differences = corpus.flatMap((reading) => {
    const missing = missed(reading, page(reading.source));
    return missing.length > 0 ? [{ source: reading.source, missing }] : [];
  });
  expect(differences).toEqual([]);
});

test('no disguise is approved that the page shows as the word', { timeout: 120_000 }, () => {
  const disguises = file('services/moderator/testdata/disguises.json') as Disguise[];
  expect(new Set(disguises.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(200);
  const seen = disguises.filter(({ source, word }) => words(page(source).text).includes(word));
  expect(seen.length).toBeGreaterThanOrEqual(500);
  expect(seen.filter(({ status }) => status === 'approved')).toEqual([]);
});
