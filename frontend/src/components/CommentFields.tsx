import { limits, type NewComment } from '@/lib/api';
import { text } from '@/lib/text';

import { Field } from './Field';
import { MarkdownField } from './MarkdownField';

interface Props {
  values: NewComment;
  /** What is wrong with them, by name. */
  errors: Record<string, string>;
  onChange: (name: keyof NewComment, value: string) => void;
}

/** The fields of a comment, new or not. */
export function CommentFields({ values, errors, onChange }: Props) {
  const field = (name: keyof NewComment) => ({
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
      <MarkdownField {...field('content')} rows={3} />
      <Field {...field('author')} optional autoComplete="nickname" />
    </>
  );
}
