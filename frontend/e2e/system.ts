import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

const program = process.env.NEWSFEED ?? new URL('../../bin/newsfeed', import.meta.url).pathname;

const ports = [3000, 5001, 5002, 5003, 5004, 5005, 6380];

const rules = `rules:
  - name: banned words
    words: [racism]
    then: reject
    reason: contains a banned word
    note: Please keep it civil.
  - name: links
    maxLinks: 0
    then: hold
    reason: has a link
`;

/** The services in one process with a Redis of their own, and a browser. */
export interface System {
  url: string;
  browser: Browser;
  /** Opens a page for a person of their own; what goes wrong in it is noted in troubles. */
  visit: (path: string, options?: BrowserContextOptions) => Promise<Page>;
  troubles: string[];
  post: (post: { title: string; body?: string; author?: string }) => Promise<{ id: string; editToken: string }>;
  comment: (postId: string, content: string, author?: string) => Promise<{ id: string; editToken: string }>;
  stop: () => Promise<void>;
}

export async function start(): Promise<System> {
  const offset = await freeOffset();
  const dir = mkdtempSync(join(tmpdir(), 'newsfeed-page-'));
  writeFileSync(join(dir, 'rules.yaml'), rules);
  const args = ['up', '--port-offset', String(offset), '--data-dir', join(dir, 'data')];
  const env = { PATH: process.env.PATH, HOME: dir, RULES_FILE: join(dir, 'rules.yaml') };
  const child = spawn(program, args, { env, stdio: 'inherit' });
  const url = `http://localhost:${3000 + offset}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const troubles: string[] = [];
  await ready(url, child);
  return {
    url,
    browser,
    troubles,
    visit: async (path, options) => {
      const page = await (await browser.newContext(options)).newPage();
      watch(page, url, troubles);
      page.setDefaultTimeout(15_000);
      await page.goto(url + path);
      return page;
    },
    post: (post) => send(`${url}/api/posts/posts`, { body: '', author: '', ...post }),
    comment: (postId, content, author = '') => send(`${url}/api/comments/posts/${postId}/comments`, { content, author }),
    stop: async () => {
      await browser.close();
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Notes what must never happen: a script of somebody else, a request to another host, a broken policy. */
function watch(page: Page, url: string, troubles: string[]) {
  page.on('dialog', (dialog) => {
    troubles.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => troubles.push(`error ${error.message}`));
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) troubles.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) troubles.push(`request to ${request.url()}`);
  });
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (child.exitCode !== null) throw new Error(`newsfeed up has ended with ${child.exitCode}`);
    const paths = ['/api/query/posts', '/api/posts/posts', '/api/moderator/moderation/summary'];
    const answers = await Promise.all(paths.map((path) => fetch(url + path).catch(() => undefined)));
    if (answers.every((answer) => answer?.ok)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('newsfeed up is not ready after 30 s');
}

async function send(url: string, body: unknown): Promise<{ id: string; editToken: string }> {
  for (;;) {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    });
    if (response.ok) return (await response.json()) as { id: string; editToken: string };
    if (response.status !== 429) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = randomInt(15_000, 25_000);
    const free = await Promise.all(ports.map((port) => isFree(port + offset)));
    if (free.every(Boolean)) return offset;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
