/** Starts the SDK against a receiver of its own, and takes both down when the test ends. */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRollcall, type Rollcall, type RollcallOptions } from '../src/index.ts';
import { Receiver, type ReceivedEvent } from './receiver.ts';

export interface Watched extends AsyncDisposable {
  rollcall: Rollcall;
  receiver: Receiver;
}

export async function startWatched(options: RollcallOptions = {}): Promise<Watched> {
  const receiver = await Receiver.start();
  const rollcall = startRollcall({
    endpoint: receiver.endpoint,
    protocol: 'http/json',
    spoolDir: temporarySpool(),
    ...options,
  });
  return {
    rollcall,
    receiver,
    [Symbol.asyncDispose]: async () => {
      await rollcall.shutdown(500);
      await receiver[Symbol.asyncDispose]();
    },
  };
}

/** A folder of its own: a port that comes round again must not get what was kept for another receiver. It is made when needed. */
function temporarySpool(): string {
  return join(tmpdir(), 'rollcall-test-spool', randomUUID());
}

/** The events of a run in the order of their numbers. */
export function inSequence(events: readonly ReceivedEvent[]): ReceivedEvent[] {
  return events.toSorted((a, b) => sequenceOf(a) - sequenceOf(b));
}

export function sequenceOf(event: ReceivedEvent): number {
  return Number(event.attributes['rollcall.event.sequence']);
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** From its first output to its end: what comes before is the loading of Node and of the modules. */
  tookMs: number;
}

/** Runs a program of `test/programs` to its end. */
export async function runProgram(
  name: string,
  { args = [], env = {} }: { args?: string[]; env?: Record<string, string> } = {},
): Promise<Exit> {
  const path = fileURLToPath(new URL(`programs/${name}`, import.meta.url));
  return runFile(path, { args, env });
}

/** Runs a TypeScript file to its end. `nodeArgs` are arguments for Node itself. */
export async function runFile(
  path: string,
  {
    args = [],
    env = {},
    nodeArgs = [],
  }: { args?: string[]; env?: Record<string, string>; nodeArgs?: string[] } = {},
): Promise<Exit> {
  let startedMs = Number.NaN;
  const child = spawn(process.execPath, ['--conditions=rollcall-source', ...nodeArgs, path, ...args], {
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      ROLLCALL_SPOOL_DIR: temporarySpool(),
      ...env,
    },
  });
  const exit = { stdout: '', stderr: '' };
  child.stdout.once('data', () => (startedMs = performance.now()));
  child.stdout.on('data', (chunk: Buffer) => (exit.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (exit.stderr += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { ...exit, code, signal, tookMs: performance.now() - startedMs };
}
