/** The main thread's end of the heartbeat thread. */

import { Worker } from 'node:worker_threads';
import { sdkLog } from '../faults.ts';
import type { BeatOwner } from './beat-record.ts';
import type { Lifeline } from './lifeline.ts';
import { FATE, type FromThread, type Parcel, type ThreadSettings, type ToThread } from './thread-messages.ts';

export interface HeartbeatThreadOptions extends ThreadSettings {
  /** Environment of the thread. */
  env: Readonly<Record<string, string>>;
  /** Called when the thread is gone for good, though nobody closed it. */
  onLost: () => void;
  /** Called when ingest answers again. */
  onReached: () => void;
}

/** It has little to remember: a runaway must not eat the job's memory. */
const MAX_HEAP_MB = 64;

export class HeartbeatThread {
  readonly #worker: Worker;
  #isUp = true;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Undefined where threads cannot start: the permission model, a bundle without the thread's file. */
  static start({ env, onLost, onReached, ...settings }: HeartbeatThreadOptions): HeartbeatThread | undefined {
    try {
      const worker = new Worker(threadFile(), {
        name: 'rollcall heartbeat',
        workerData: settings,
        // Given, so that the application's own --import and --require do not run again in here.
        execArgv: isFromSources() ? ['--conditions=rollcall-source'] : [],
        env: { ...env },
        resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB, maxYoungGenerationSizeMb: 4 },
      });
      const thread = new HeartbeatThread(worker);
      const lose = (why: string) => {
        if (!thread.#isUp) return;
        thread.#isUp = false;
        sdkLog.warn(
          `The heartbeat thread is gone (${why}); the main thread beats, and is lost while it is busy`,
        );
        onLost();
      };
      worker.on('error', (error) => lose(String(error)));
      worker.on('exit', (code) => lose(`exit ${code}`));
      worker.on('message', (message: FromThread) => {
        if (message.type === 'reached') onReached();
        else sdkLog.debug(`The heartbeat thread cannot reach ingest: ${message.reason}`);
      });
      worker.unref();
      return thread;
    } catch (error) {
      sdkLog.warn(
        'No heartbeat thread can start; the main thread beats, and is lost while it is busy',
        error,
      );
      return undefined;
    }
  }

  open(id: number, owner: BeatOwner, { memory }: Lifeline): void {
    this.#tell({ type: 'open', id, owner, memory });
  }

  close(id: number): void {
    this.#tell({ type: 'close', id });
  }

  /**
   * Hands over parcels and holds the calling thread until they are delivered, at most `timeoutMs`.
   * Returns those that are not known to have arrived and may be tried again.
   */
  deliverNow<Given extends Parcel>(parcels: readonly Given[], timeoutMs: number): Given[] {
    if (!this.#isUp) return [...parcels];
    const memory = new SharedArrayBuffer((parcels.length + 2) * Int32Array.BYTES_PER_ELEMENT);
    const board = new Int32Array(memory);
    const bare = parcels.map(({ path, contentType, body }) => ({ path, contentType, body }));
    this.#tell({ type: 'deliver', parcels: bare, board: memory, timeoutMs });
    const settled = parcels.length + 1;
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const done = Atomics.load(board, settled);
      const leftMs = deadlineMs - performance.now();
      if (done === settled || leftMs <= 0) break;
      Atomics.wait(board, settled, done, leftMs);
    }
    return parcels.filter((_, place) => {
      const fate = Atomics.load(board, place);
      return fate === FATE.WAITING || fate === FATE.FAILED;
    });
  }

  stop(): void {
    this.#isUp = false;
    void this.#worker.terminate();
  }

  #tell(message: ToThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    if (this.#isUp) this.#worker.postMessage(message);
  }
}

/** Beside this file, built or not. */
function threadFile(): URL {
  return new URL(`./watch-thread.${isFromSources() ? 'ts' : 'js'}`, import.meta.url);
}

function isFromSources(): boolean {
  return import.meta.url.endsWith('.ts');
}
