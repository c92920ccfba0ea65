import { limits, type NewPost } from '@/lib/api';
import { text } from '@/lib/text';

import { Field } from './Field';
import { MarkdownField } from './MarkdownField';

interface Props {
  values: NewPost;
  /** What is wrong with them, by name. */
  errors: Record<string, string>;
  onChange: (name: keyof NewPost, value: string) => void;
}

/** The fields of a post, new or not. */
export function PostFields({ values, errors, onChange }: Props) {
  const field = (name: keyof NewPost) => ({
    name,
    label: text[name],
    value: values[name],
    limit: limits[name],
    error: errors[name],
    onChange: (value: string) => {
      onChange(name, value);
    },
  });
  return (
    <>
      <Field {...field('title')} />
      <MarkdownField {...field('body')} optional rows={5} />
      <Field {...field('author')} optional autoComplete="nickname" />
    </>
  );
}
