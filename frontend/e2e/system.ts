import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

import { startServices, type Options, type Services } from './services.ts';

interface Written {
  id: string;
  version: number;
  editToken: string;
}

/** The services, and a browser. */
export interface System extends Omit<Services, 'stop'> {
  browser: Browser;
  /** Opens a page for a person of their own; what goes wrong in it is noted in troubles. */
  visit: (path: string, options?: BrowserContextOptions) => Promise<Page>;
  troubles: string[];
  post: (post: { title: string; body?: string; author?: string }) => Promise<Written>;
  comment: (postId: string, content: string, author?: string) => Promise<Written>;
  stop: () => Promise<void>;
}

export async function start(options: Options = {}): Promise<System> {
  const services = await startServices(options);
  const { url } = services;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const troubles: string[] = [];
  return {
    ...services,
    browser,
    troubles,
    visit: async (path, context) => {
      const page = await (await browser.newContext(context)).newPage();
      watch(page, url, (trouble) => troubles.push(trouble));
      page.setDefaultTimeout(15_000);
      await page.goto(url + path);
      return page;
    },
    post: (post) => send(`${url}/api/posts/posts`, { body: '', author: '', ...post }),
    comment: (postId, content, author = '') => send(`${url}/api/comments/posts/${postId}/comments`, { content, author }),
    stop: async () => {
      await browser.close();
      await services.stop();
    },
  };
}

/** Notes what must never happen: a script of somebody else, a request to another host, a broken policy. */
export function watch(page: Page, url: string, note: (trouble: string) => void) {
  page.on('dialog', (dialog) => {
    note(`dialog ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined); // it may be gone with its frame
  });
  page.on('pageerror', (error) => {
    note(`error ${error.message}`);
  });
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) note(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) note(`request to ${request.url()}`);
  });
}

async function send(url: string, body: unknown): Promise<Written> {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Written;
}
