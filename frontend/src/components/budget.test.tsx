import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test } from 'vitest';

import { budget, weigh } from './budget';
import { Markdown } from './Markdown';

/** A text that takes that part of what a page may have. */
const part = (share: number, name: string) => {
  const text = `*${name}* `;
  return text + 'a'.repeat(budget * share - weigh(text));
};

const formatted = () => Array.from(document.querySelectorAll('em'), (em) => em.textContent);

test('beyond what a page may have a text is shown as it was written, and formatted when asked', async () => {
  render(
    <>
      {['one', 'two', 'three', 'four'].map((name) => (
        <Markdown key={name}>{part(0.4, name)}</Markdown>
      ))}
      <Markdown>*short*</Markdown>
    </>,
  );
  expect(formatted()).toEqual(['one', 'two', 'short']);
  expect(document.body.textContent).toContain('*three* aaa');
  const [third] = screen.getAllByRole('button', { name: 'Show it formatted' });
  if (third) await userEvent.click(third);
  expect(formatted()).toEqual(['one', 'two', 'three', 'short']);
});

test('a text that is too much for a page alone is formatted where it is the first', () => {
  render(
    <>
      <Markdown>{part(1.5, 'large')}</Markdown>
      <Markdown>*next*</Markdown>
    </>,
  );
  expect(formatted()).toEqual(['large']);
});

test('what leaves the page makes room', () => {
  const { rerender } = render(<Markdown key="a">{part(0.9, 'a')}</Markdown>);
  rerender(<Markdown key="b">{part(0.9, 'b')}</Markdown>);
  rerender(<Markdown key="c">{part(0.9, 'c')}</Markdown>);
  expect(formatted()).toEqual(['c']);
});

test('a page of comments of the greatest length is formatted but for the marks that are too many', () => {
  const comment = `${'words '.repeat(800)}**bold** [link](https://other.example/)`;
  expect(weigh(comment) * 40).toBeLessThan(budget);
  expect(weigh('*'.repeat(5_000)) * 2).toBeGreaterThan(budget);
});
