import type { components } from './openapi/query';

/** One wrong part of a request: a member of the body by its JSON pointer, or a parameter or header. */
export type FieldError = components['schemas']['FieldError'];

/** A problem document (RFC 9457), the body of every error. */
export type Problem = components['schemas']['Problem'];

/** What every failed request throws. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** 0 if no answer came. */
  readonly status: number;
  readonly problem: Problem | undefined;
  /** Milliseconds after which to try again, if the server has said so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, problem?: Problem, retryAfter?: number, cause?: unknown) {
    super(problem?.detail ?? problem?.title ?? (status ? `status ${status}` : 'no answer'), { cause });
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may well succeed a little later. */
  get passing(): boolean {
    return [0, 408, 429, 502, 503, 504].includes(this.status);
  }

  /** What is wrong with the members of the body, by name. */
  get fields(): Record<string, string> {
    const fields: Record<string, string> = {};
    for (const { pointer, detail } of this.problem?.errors ?? []) {
      const name = pointer?.replace(/^\//, '').replaceAll('~1', '/').replaceAll('~0', '~');
      if (name) fields[name] ??= detail;
    }
    return fields;
  }
}

/** How long a request may take. The server itself gives up sooner. */
const timeout = 25_000;

export interface Options {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** It goes out even if the page is closed meanwhile. */
  keepalive?: boolean;
}

/** The JSON of an answer, whose form the caller knows, and its headers. */
export interface Answer<T> {
  data: T;
  headers: Headers;
}

/** Sends a request and returns the answer, or throws an {@link ApiError}. */
export async function request(path: string, options: Options = {}): Promise<Answer<unknown>> {
  const headers = new Headers({ Accept: 'application/json', ...options.headers });
  const init: RequestInit = { method: options.method ?? 'GET', headers, keepalive: options.keepalive ?? false };
  if (options.body !== undefined) {
    headers.set('Content-Type', 'application/json');
    init.body = JSON.stringify(options.body);
  }
  const limit = AbortSignal.timeout(timeout);
  init.signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, init);
    text = await response.text();
  } catch (cause) {
    if (options.signal?.aborted) throw cause; // nobody wants the answer any more
    throw new ApiError(0, undefined, undefined, cause);
  }
  if (!response.ok) {
    throw new ApiError(response.status, problem(response, text), retryAfter(response));
  }
  if (response.status === 204) return { data: undefined, headers: response.headers };
  try {
    return { data: JSON.parse(text) as unknown, headers: response.headers };
  } catch (cause) {
    throw new ApiError(response.status, undefined, undefined, cause); // no answer of ours
  }
}

/** Something between may answer with a page of its own: that is no problem document. */
function problem(response: Response, text: string): Problem | undefined {
  if (!response.headers.get('Content-Type')?.startsWith('application/problem+json')) return undefined;
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return undefined;
  }
}

function retryAfter(response: Response): number | undefined {
  const value = response.headers.get('Retry-After');
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Retries a few times what is passing, when the server says or ever later. */
export const retry = {
  retry: (failures: number, error: unknown) => failures < 3 && error instanceof ApiError && error.passing,
  retryDelay: (failures: number, error: unknown) => {
    const asked = error instanceof ApiError ? error.retryAfter : undefined;
    return Math.min(asked ?? 500 * 2 ** failures, 10_000);
  },
};
