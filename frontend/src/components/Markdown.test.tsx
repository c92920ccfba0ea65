import { render, screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';

import { heavy } from '@/test/payloads';

import * as intricate from './intricate';
import { Markdown } from './Markdown';

const { isIntricate } = intricate;
vi.mock('./intricate', { spy: true });

const html = (text: string) => render(<Markdown>{text}</Markdown>).container.firstElementChild?.innerHTML;

test.each([
  ['*a* **b** ~~c~~ `d`', '<p><em>a</em> <strong>b</strong> <del>c</del> <code>d</code></p>'],
  ['one\ntwo', '<p>one<br>\ntwo</p>'],
  ['a <T> b', '<p>a &lt;T&gt; b</p>'],
  ['<b>x</b>', '<p>&lt;b&gt;x&lt;/b&gt;</p>'],
  ['# a', '<h3 data-depth="1">a</h3>'],
  ['###### a', '<h3 data-depth="4">a</h3>'],
  ['[x](/posts/1)', '<p>x</p>'],
])('%s', (text, want) => {
  expect(html(text)).toBe(want);
});

test.each(['https://other.example/', '[x](https://other.example/)', '![x](https://other.example/)'])(
  'a link out gives nothing away, and a picture is one: %s',
  (text) => {
    const { container } = render(<Markdown>{text}</Markdown>);
    expect(screen.getByRole('link')).toHaveAttribute('href', 'https://other.example/');
    expect(screen.getByRole('link')).toHaveAttribute('rel', 'nofollow ugc noopener noreferrer');
    expect(container.querySelector('img')).toBeNull();
  },
);

test.each(Object.entries(heavy))('is too much for Markdown: %s', (_, text) => {
  expect(isIntricate(text)).toBe(true);
});

test.each([
  'a\n\n'.repeat(900),
  `${'-'.repeat(300)}\n${'*'.repeat(300)}\n${'- '.repeat(40)}`,
  '[a](https://other.example/) and **b**\n\n'.repeat(400),
  '- [ ] a *b* `c`\n'.repeat(200),
  `${'> '.repeat(20)}a\n`.repeat(50),
  `|a|b|c|\n|-|-|-|\n${'|a|b|c|\n'.repeat(500)}`,
  `\`\`\`\n${'if (a[i] && b[j]) c[i * j] = f(d_e, g)\n'.repeat(100)}\`\`\``,
])('is not: %#', (text) => {
  expect(isIntricate(text)).toBe(false);
});

test('a text that fails all the same is shown as it was written, until it is another', () => {
  vi.mocked(isIntricate).mockReturnValue(false);
  vi.spyOn(console, 'error').mockReturnValue(); // React tells of it
  const { container, rerender } = render(<Markdown>{heavy.quotes}</Markdown>);
  expect(container).toHaveTextContent(heavy.quotes);
  rerender(<Markdown>*a*</Markdown>);
  expect(container.querySelector('em')).toHaveTextContent('a');
});
