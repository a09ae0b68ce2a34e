/** Lets the threads that answer requests run before those of the embedded engine. */

import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Added to the nice value of the engine's threads: a third of the weight of the others. */
const STEP = 5;
const MOST = 19;
const AGAIN_MS = 10_000;
const THREADS = '/proc/self/task';
/** Threads that Node starts have these names, the main thread too. */
const OF_NODE = /^(node|MainThread|libuv-worker|V8Worker|DelayedTaskSche|SignalInspector|WorkerThread)/;

/**
 * On a machine with few cores an insert and two merges leave the event loop a quarter of a core, and each sender waits
 * for its turn: at half load half as long when the engine gives way. Nothing is taken from the engine: what is not used
 * by others is its own. The engine has settings for this, which only work with a capability (CAP_SYS_NICE) that services
 * seldom have; every process may lower its own threads. Only Linux gives threads a priority of their own.
 *
 * Call it when the engine is open. Threads that it starts later are found within ten seconds.
 */
export function giveWay(): { readonly stop: () => void } {
  let known: ReadonlySet<string> = new Set([String(process.pid)]);
  const lower = (): void => {
    const found = threads();
    for (const thread of found) if (!known.has(thread)) lowerOne(thread);
    known = new Set(found);
  };
  lower();
  const timer = setInterval(lower, AGAIN_MS).unref();
  return { stop: () => clearInterval(timer) };
}

function threads(): string[] {
  try {
    return readdirSync(THREADS);
  } catch {
    return [];
  }
}

function lowerOne(thread: string): void {
  try {
    if (OF_NODE.test(readFileSync(`${THREADS}/${thread}/comm`, 'utf8'))) return;
    setPriority(Number(thread), Math.min(getPriority(process.pid) + STEP, MOST));
  } catch {
    // It has ended meanwhile, or the machine does not want it: then all stay equal.
  }
}
