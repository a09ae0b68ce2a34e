/** Names the machine that a figure was measured on, and starts programs on one of its cores. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

export function describeMachine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  return `${first?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, ${memory}`;
}

/** Keeps this process and what it starts on one core, where `taskset` is there. */
export function stayOnCore(core: number): void {
  spawnSync('taskset', ['-a', '-cp', String(core), String(process.pid)], { stdio: 'ignore' });
}

/** Starts one of our programs on a core of its own; its messages come over IPC. */
export function startOnCore(core: number, file: URL, args: readonly string[]): ChildProcess {
  // As the rollcall command starts.
  const command = [
    process.execPath,
    '--max-semi-space-size=2',
    '--conditions=rollcall-source',
    fileURLToPath(file),
    ...args,
  ];
  const hasTaskset = spawnSync('taskset', ['-V']).status === 0;
  const [program = '', ...rest] = hasTaskset ? ['taskset', '-c', String(core), ...command] : command;
  const env = { ...process.env, MALLOC_TRIM_THRESHOLD_: '33554432', MALLOC_MMAP_THRESHOLD_: '4194304' };
  return spawn(program, rest, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

/** The next message of a program that was started. */
export async function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  const answered = new AbortController();
  const { signal } = answered;
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`A program ended with exit code ${String(code)} before it had answered.`);
  });
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [Message];
    return message;
  } finally {
    ended.catch(() => undefined);
    answered.abort();
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
