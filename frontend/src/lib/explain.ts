import { ApiError } from './http';
import { text } from './text';

/** Says in words for people what went wrong, and what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof ApiError)) return text.failed.other;
  switch (error.status) {
    case 0:
      return text.failed.unreachable;
    case 400:
      return Object.keys(error.fields).length > 0 ? text.failed.invalid : error.message;
    case 429:
      return text.failed.tooMany;
    case 502:
    case 503:
    case 504:
      return text.failed.unavailable;
    default:
      return error.status >= 500 ? text.failed.other : error.message;
  }
}
