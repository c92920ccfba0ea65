import { render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';

import { Markdown } from './Markdown';

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
