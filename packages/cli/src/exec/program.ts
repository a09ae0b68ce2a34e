/** Runs one program to its end, and watches from outside what becomes of it. */

import { spawn, type StdioOptions } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { OomWatch } from './oom.ts';
import { childrenCpuSeconds, ProcessTree } from './process-tree.ts';
import type { Capture } from './capture.ts';

/** How a program ended, and what it took. */
export interface ProgramEnd {
  readonly how:
    | { readonly kind: 'exited'; readonly code: number }
    | { readonly kind: 'killed'; readonly signal: NodeJS.Signals }
    | { readonly kind: 'not_started'; readonly code: 126 | 127; readonly reason: string };
  readonly durationMs: number;
  /** The most that was seen in use by the program and what it started; shared pages count for each. */
  readonly peakMemoryBytes: number;
  readonly cpuSeconds: number;
  /** Whether the kernel killed something near the end for want of memory. */
  readonly isOutOfMemory: boolean;
}

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Absent: the program keeps the terminal. */
  readonly capture: Capture | undefined;
  /** How long the program may take to stop after it was told to, before it is killed. */
  readonly graceMs: number;
}

const FIRST_LOOK_MS = 50;
const LOOK_MS = 1_000;
const REAP_MS = 20;

export class Program {
  readonly ended: Promise<ProgramEnd>;
  #tree: ProcessTree | undefined;
  readonly #graceMs: number;
  #stopping: Promise<void> | undefined;
  #isOver = false;
  #peakBytes = 0;
  readonly #oom = new OomWatch();

  constructor(command: readonly string[], options: ProgramOptions) {
    this.#graceMs = options.graceMs;
    this.ended = this.#run(command, options);
  }

  /** Passes a signal on to the program and to everything it started, as a terminal does with Ctrl-C. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#isOver) this.#tree?.signal(signal);
  }

  /** Tells the whole tree to stop, and kills what is left of it after the grace. */
  stop(): void {
    this.#stopping ??= this.#stop();
  }

  async #run([file = '', ...args]: readonly string[], { env, capture }: ProgramOptions): Promise<ProgramEnd> {
    const startedMs = performance.now();
    const cpuBefore = childrenCpuSeconds();
    const { promise, resolve } = Promise.withResolvers<ProgramEnd['how']>();
    const stdio: StdioOptions = capture === undefined ? 'inherit' : ['inherit', ...capture.stdio];
    const looking = new AbortController();
    try {
      const child = spawn(file, args, { env, stdio });
      capture?.begin(child);
      child.once('error', (error) => {
        if (child.pid === undefined) resolve(notStarted(file, error));
      });
      child.once('exit', (code, signal) =>
        resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'killed', signal }),
      );
      if (child.pid !== undefined) {
        this.#tree = new ProcessTree(child.pid);
        void this.#look(child.pid, looking.signal);
      }
    } catch (error) {
      resolve(notStarted(file, error as Error));
    }
    const how = await promise;
    this.#isOver = true;
    looking.abort();
    const durationMs = performance.now() - startedMs;
    const isOutOfMemory = this.#oom.rose;
    await this.#stopping;
    await capture?.finish();
    return {
      how,
      durationMs,
      peakMemoryBytes: this.#peakBytes,
      cpuSeconds: Math.max(0, childrenCpuSeconds() - cpuBefore),
      isOutOfMemory,
    };
  }

  async #look(pid: number, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_LOOK_MS; !signal.aborted; pauseMs = Math.min(LOOK_MS, pauseMs * 2)) {
      this.#tree?.refresh();
      const { rssBytes = 0, largestPeakBytes = 0 } = this.#tree?.memory() ?? {};
      this.#peakBytes = Math.max(this.#peakBytes, rssBytes, largestPeakBytes);
      this.#oom.look(pid);
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #stop(): Promise<void> {
    const tree = this.#tree;
    if (tree === undefined) return;
    tree.signal('SIGTERM');
    // A process that was stopped with Ctrl-Z hears nothing before it goes on.
    tree.signal('SIGCONT');
    const deadlineMs = performance.now() + this.#graceMs;
    while (tree.living().length > 0 && performance.now() < deadlineMs) await sleep(REAP_MS);
    while (tree.living().length > 0) {
      tree.signal('SIGKILL');
      await sleep(REAP_MS);
    }
  }
}

/** What a shell would exit with: the number of the signal and 128. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}

function notStarted(file: string, { code, message }: NodeJS.ErrnoException): ProgramEnd['how'] {
  if (code === 'ENOENT') return { kind: 'not_started', code: 127, reason: `There is no program '${file}'` };
  const reason =
    code === 'EACCES' ? `'${file}' can not be executed` : `'${file}' could not be started: ${message}`;
  return { kind: 'not_started', code: 126, reason };
}
