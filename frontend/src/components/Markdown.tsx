import { Component, createElement, useState, type ComponentProps, type ReactNode } from 'react';
import ReactMarkdown, { type Components, type Options } from 'react-markdown';
import rehypeSanitize, { defaultSchema } from 'rehype-sanitize';
import remarkBreaks from 'remark-breaks';
import remarkGfm from 'remark-gfm';

import { text } from '@/lib/text';

import { useBudget } from './budget';
import { Button } from './Button';
import { isIntricate } from './intricate';
import styles from './Markdown.module.css';

interface Node {
  type: string;
  value?: string;
  children?: Node[];
}

/** Markup that is not Markdown is shown as it was written: `<T>` in a sentence is no mistake. */
function htmlIsText() {
  const change = (node: Node) => {
    node.children?.forEach((child, i, all) => {
      if (child.type !== 'html') change(child);
      else if (node.type === 'paragraph') all[i] = { type: 'text', value: child.value ?? '' };
      else all[i] = { type: 'paragraph', children: [{ type: 'text', value: child.value ?? '' }] };
    });
  };
  return change;
}

/** What a text may have. No picture: it would ask another host who reads the page. */
const schema = {
  ...defaultSchema,
  tagNames: 'h1 h2 h3 h4 h5 h6 p br hr strong em del code pre blockquote ul ol li a img table thead tbody tr th td'.split(' '),
  attributes: { a: ['href'], img: ['src', 'alt'], ol: ['start'], th: ['align'], td: ['align'] },
  protocols: { href: ['http', 'https', 'mailto'], src: ['http', 'https'] },
};

const plugins: Pick<Options, 'remarkPlugins' | 'rehypePlugins'> = {
  remarkPlugins: [htmlIsText, remarkGfm, remarkBreaks],
  rehypePlugins: [[rehypeSanitize, schema]],
};

const absolute = /^(https?|mailto):/i;

/** A link leads where it says, and nowhere within the page: that would be somebody's words as ours. */
function Anchor({ href, children }: { href?: string | undefined; children?: ReactNode }) {
  if (!href || !absolute.test(href)) return <>{children}</>;
  return (
    <a href={href} rel="nofollow ugc noopener noreferrer">
      {children}
    </a>
  );
}

/** The headings of a text are below that of what it is the text of, and skip no level. */
const components = (under: number): Components => {
  const heading = (depth: number) =>
    function Heading({ children }: { children?: ReactNode }) {
      return createElement(`h${Math.min(under + 1, 6)}`, { 'data-depth': depth }, children);
    };
  return {
    a: ({ href, children }) => <Anchor href={href}>{children}</Anchor>,
    img: ({ src, alt }) => <Anchor href={typeof src === 'string' ? src : undefined}>{alt === '' ? src : (alt ?? src)}</Anchor>,
    table: ({ children }) => (
      <div className={styles.wide} tabIndex={0} role="group">
        <table>{children}</table>
      </div>
    ),
    pre: ({ children }: ComponentProps<'pre'>) => <pre tabIndex={0}>{children}</pre>,
    h1: heading(1),
    h2: heading(2),
    h3: heading(3),
    h4: heading(4),
    h5: heading(4),
    h6: heading(4),
  };
};

const under = { 1: components(1), 2: components(2), 3: components(3) };

interface Props {
  children: string;
  /** The level of the heading that the text stands under. */
  level?: keyof typeof under;
  className?: string | undefined;
}

/** What people write, as Markdown. No markup but its own gets through. */
export function Markdown({ children, level = 2, className = '' }: Props) {
  const { fits, ref } = useBudget(children);
  const [asked, setAsked] = useState(false);
  const intricate = isIntricate(children);
  return (
    <div ref={ref} className={`${styles.text} ${className}`}>
      {intricate || !(fits || asked) ? (
        <>
          <AsWritten>{children}</AsWritten>
          {!intricate && (
            <Button
              onClick={() => {
                setAsked(true);
              }}
            >
              {text.format}
            </Button>
          )}
        </>
      ) : (
        <OrAsWritten text={children}>
          <ReactMarkdown {...plugins} components={under[level]}>
            {children}
          </ReactMarkdown>
        </OrAsWritten>
      )}
    </div>
  );
}

function AsWritten({ children }: { children: string }) {
  return <p className={styles.written}>{children}</p>;
}

interface Tried {
  text: string;
  failed: boolean;
}

/** One text that cannot be shown as Markdown does not take the whole page with it. */
class OrAsWritten extends Component<{ text: string; children: ReactNode }, Tried> {
  override state: Tried = { text: this.props.text, failed: false };

  static getDerivedStateFromError(): Partial<Tried> {
    return { failed: true };
  }

  static getDerivedStateFromProps({ text }: { text: string }, tried: Tried): Tried | null {
    return text === tried.text ? null : { text, failed: false };
  }

  override render() {
    return this.state.failed ? <AsWritten>{this.props.text}</AsWritten> : this.props.children;
  }
}
