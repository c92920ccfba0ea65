import { useState, type ComponentProps } from 'react';

import { text } from '@/lib/text';

import { Button } from './Button';
import { Field } from './Field';
import { Markdown } from './Markdown';
import styles from './MarkdownField.module.css';

/** A field for Markdown, which shows what becomes of it when asked. */
export function MarkdownField(props: ComponentProps<typeof Field>) {
  const [asked, setAsked] = useState(false);
  const previewed = asked && !props.error; // what is wrong is shown where it can be mended
  return (
    <div className={styles.field}>
      {previewed ? (
        <section aria-label={text.previewOf(props.label)}>
          <p className={styles.label}>{text.previewOf(props.label)}</p>
          <div className={styles.preview}>{props.value.trim() === '' ? <p>{text.previewEmpty}</p> : <Markdown level={2}>{props.value}</Markdown>}</div>
        </section>
      ) : (
        <Field {...props} />
      )}
      <div className={styles.foot}>
        <p>{text.markdownHint}</p>
        <Button
          aria-pressed={previewed}
          onClick={() => {
            setAsked(!previewed);
          }}
        >
          {text.preview}
        </Button>
      </div>
    </div>
  );
}
