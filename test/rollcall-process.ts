/** Runs the real command in real processes. */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copySchema } from '../packages/ingest/test/schema-template.ts';

const localKeys = new Map<string, string>();
const MAIN = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningService {
  readonly url: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** What it has printed to standard error so far. */
  readonly log: () => string;
  /** What it has printed to standard output so far. */
  readonly banner: () => string;
  /** Asks it to stop and waits until it has. */
  stop(): Promise<Finished>;
}

/** A fresh environment: no setting of the machine or of another test leaks in. */
function environment(settings: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(ROLLCALL|OTEL|VITEST|NODE_V8)/.test(name),
  );
  return {
    ...Object.fromEntries(inherited),
    NO_COLOR: '1',
    ROLLCALL_SPOOL_DIR: temporarySpool(),
    // Services of several tests run at once: the usual port is for one.
    ROLLCALL_SQL_PORT: 'off',
    ...settings,
  };
}

/** A folder of its own: a port that comes round again must not get what was kept for another service. It is made when needed. */
function temporarySpool(): string {
  return join(tmpdir(), 'rollcall-test-spool', randomUUID());
}

/** Starts `node script …` with this checkout's sources. */
export function spawnScript(
  script: string,
  args: readonly string[],
  settings: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
  { detached = false } = {},
): ChildProcess {
  return spawn(process.execPath, ['--conditions=rollcall-source', ...nodeOptions, script, ...args], {
    env: environment(settings),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
}

/** Starts `rollcall …` as a terminal does: with a process group, all of which hears Ctrl-C. */
export function startInGroup(args: readonly string[]): { child: ChildProcess; ctrlC: () => void } {
  const child = spawnScript(MAIN, args, {}, [], { detached: true });
  return { child, ctrlC: () => process.kill(-Number(child.pid), 'SIGINT') };
}

/** Runs `rollcall …` to its end. */
export async function rollcall(
  args: readonly string[],
  settings: Record<string, string> = {},
): Promise<Finished> {
  return finished(spawnScript(MAIN, args, settings));
}

/** Collects what a process prints until it ends. */
export async function finished(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

/** Starts `rollcall up` on a free port and waits until it listens. */
export async function startProcess(
  dataDir: string,
  settings: Record<string, string> = {},
  nodeOptions: readonly string[] = [],
): Promise<RunningService> {
  if (settings['ROLLCALL_CLICKHOUSE_URL'] === undefined) await copySchema(dataDir);
  const child = spawnScript(MAIN, ['up', '--port', '0', '--data-dir', dataDir], settings, nodeOptions);
  const end = finished(child);
  let printed = '';
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const found = /(http:\/\/\S+)\/v1\/traces/.exec(printed)?.[1];
      // The last line of the banner.
      if (found !== undefined && printed.includes('Ctrl-C')) resolve(found);
    });
    void end.then(({ code, stderr }) => reject(new Error(`rollcall up ended with ${code}: ${stderr}`)));
  });
  const { localKey } = JSON.parse(await readFile(join(dataDir, 'service.json'), 'utf8')) as {
    localKey: string;
  };
  localKeys.set(url, localKey);
  return {
    url,
    dataDir,
    process: child,
    log: () => log,
    banner: () => printed,
    stop: async () => {
      child.kill('SIGTERM');
      return end;
    },
  };
}

export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'rollcall-e2e-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Asks the service in SQL, as the owner of its data folder unless another key is given; '' sends none. */
export async function ask<Row>(
  url: string,
  query: string,
  params: Record<string, string> = {},
  key = localKeys.get(url) ?? '',
): Promise<Row[]> {
  const response = await fetch(`${url}/api/v1/sql`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(key === '' ? {} : { Authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify({ query, params }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** Runs that wait for their rollup, and times in which ingest was not heard: while there are any, a verdict may be late. */
async function whatHoldsUp(url: string): Promise<string> {
  const holders = await ask(
    url,
    `SELECT now64(3) AS now, (SELECT groupArray((run_id, touched_at, summarised_at)) FROM (SELECT run_id, max(touched_at) AS touched_at, max(summarised_at) AS summarised_at FROM run_touches GROUP BY run_id HAVING summarised_at < touched_at)) AS waiting,
       (SELECT groupArray((reason, absent_from, absent_until)) FROM ingest_absences FINAL) AS absences`,
  ).catch((error: unknown) => [error]);
  return `held up by: ${JSON.stringify(holders).slice(0, 2_000)}`;
}

/** Asks again until the answer satisfies; the service takes in rows within half a second. Half of a core is left to others. */
export async function askUntil<Row>(
  url: string,
  query: string,
  isEnough: (rows: Row[]) => boolean,
  { withinMs = 40_000, key }: { withinMs?: number; key?: string } = {},
): Promise<Row[]> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const askedMs = performance.now();
    const rows = await ask<Row>(url, query, {}, key);
    const tookMs = performance.now() - askedMs;
    if (isEnough(rows)) return rows;
    if (Date.now() > deadline)
      throw new Error(
        `Not so within ${withinMs} ms: ${query}\nlast answer: ${JSON.stringify(rows).slice(0, 2_000)}\n${await whatHoldsUp(url)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, Math.max(100, tookMs)));
  }
}
