import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const programs = process.env.NEWSFEED_BIN ?? fileURLToPath(new URL('../../bin', import.meta.url));

const ports = { posts: 5001, comments: 5002, moderator: 5003, query: 5004, eventbus: 5005 };
const pagePort = 3000;
const redisPort = 6380;

export type Service = keyof typeof ports;

const names = Object.keys(ports) as Service[];

/** The rules of moderation, if a test does not bring its own. */
const civil = `rules:
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

export interface Options {
  rules?: string;
  /** Each service is a process of its own, and so can be stopped alone. */
  apart?: boolean;
  /** What else the services are told. */
  env?: Record<string, string>;
}

export interface Services {
  url: string;
  stopOne: (service: Service) => Promise<void>;
  startOne: (service: Service) => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts the programs that are built, on free ports of loopback, with a Redis of their own. */
export async function startServices({ rules = civil, apart = false, env: more = {} }: Options): Promise<Services> {
  const offset = await freeOffset();
  const dir = mkdtempSync(join(tmpdir(), 'newsfeed-page-'));
  writeFileSync(join(dir, 'rules.yaml'), rules);
  const env = { PATH: process.env.PATH, HOME: dir, RULES_FILE: join(dir, 'rules.yaml'), RATE_LIMIT: 'off', LOG_LEVEL: 'error', ...more };
  const url = `http://localhost:${pagePort + offset}`;
  const running = new Map<Service, ChildProcess>();

  const args = ['up', '--port-offset', String(offset), '--data-dir', join(dir, 'data')];
  if (apart) args.push('--without', names.join(','));
  const main = spawn(join(programs, 'newsfeed'), args, { env, stdio: ['ignore', 'ignore', 'inherit'] });

  const startOne = async (name: Service) => {
    const port = ports[name] + offset;
    const own = { LISTEN_ADDR: `127.0.0.1:${port}`, REDIS_URL: `redis://127.0.0.1:${redisPort + offset}` };
    const child = spawn(join(programs, name), { env: { ...env, ...own }, stdio: ['ignore', 'ignore', 'inherit'] });
    running.set(name, child);
    await ready([`http://127.0.0.1:${port}/readyz`], child);
  };
  const stopOne = async (name: Service) => {
    const child = running.get(name);
    running.delete(name);
    if (child) await end(child);
  };
  const stop = async () => {
    await Promise.all([...running.keys()].map(stopOne));
    await end(main);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    if (apart) await Promise.all(names.map(startOne));
    const paths = ['/api/query/posts', '/api/posts/posts', '/api/moderator/moderation/summary'];
    await ready(paths.map((path) => url + path), main);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stopOne, startOne, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

async function ready(urls: string[], child: ChildProcess): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} has ended with ${child.exitCode}`);
    const answers = await Promise.all(urls.map((url) => fetch(url).catch(() => undefined)));
    if (answers.every((answer) => answer !== undefined && (answer.ok || answer.status === 401))) return; // where a token is asked for, it is ready
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${child.spawnfile} is not ready after 30 s`);
}

async function freeOffset(): Promise<number> {
  for (;;) {
    const offset = randomInt(15_000, 25_000);
    const free = await Promise.all([pagePort, redisPort, ...Object.values(ports)].map((port) => isFree(port + offset)));
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
