/** Ends work in time: by its own timeout, or because somebody cancelled it. */

export interface CancellationOptions {
  /** Aborting it aborts this as well. */
  parent?: AbortSignal | undefined;
  /** Another that does. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  graceMs?: number | undefined;
  /** What is timed out, for the message. */
  subject: string;
}

const DEFAULT_GRACE_MS = 1_000;
/** Node fires a longer timer at once. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** The signal of one run. To be released when the run ends. */
export class Cancellation {
  readonly signal: AbortSignal;
  /** Resolves when the work has ignored its timeout for the whole grace period; absent without a timeout. */
  readonly abandoned: Promise<void> | undefined;
  #timedOut = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #unlink: (() => void)[] = [];

  constructor({ parent, signal, timeoutMs, graceMs = DEFAULT_GRACE_MS, subject }: CancellationOptions) {
    if (timeoutMs === undefined && signal === undefined) {
      // Nothing to add to the parent's signal, and 50,000 clients need not listen to it.
      this.signal = parent ?? new AbortController().signal;
      return;
    }
    const controller = new AbortController();
    this.signal = controller.signal;
    if (parent !== undefined) this.#link(parent, controller);
    if (signal !== undefined) this.#link(signal, controller);
    if (timeoutMs === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.abandoned = promise;
    this.#timer = setTimeout(() => {
      this.#timedOut = !controller.signal.aborted;
      controller.abort(new DOMException(`${subject} timed out after ${timeoutMs} ms`, 'TimeoutError'));
      this.#timer = setTimeout(resolve, graceMs);
    }, timeoutMs);
  }

  /** Whether the signal aborted because of this run's own timeout. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  release(): void {
    clearTimeout(this.#timer);
    for (const unlink of this.#unlink) unlink();
  }

  // Not AbortSignal.any, which leaves it to the garbage collector to stop listening.
  #link(parent: AbortSignal, controller: AbortController): void {
    const follow = () => controller.abort(parent.reason);
    if (parent.aborted) follow();
    parent.addEventListener('abort', follow, { once: true });
    this.#unlink.push(() => parent.removeEventListener('abort', follow));
  }
}

/** How a piece of work ended. `abandoned`: it did not, though its time and its grace were up. */
export type Settled<T> =
  | { how: 'returned'; value: T }
  | { how: 'threw'; error: unknown }
  | { how: 'abandoned' };

/** Runs work until it settles or is abandoned. `onLate` hears of the end of abandoned work. */
export function supervise<T>(
  work: () => T | PromiseLike<T>,
  { abandoned: givenUp }: Cancellation,
  onLate: () => void,
): Promise<Settled<T>> {
  const settled = settle(work);
  if (givenUp === undefined) return settled;
  const abandoned = givenUp.then((): Settled<T> => {
    void settled.then(onLate);
    return { how: 'abandoned' };
  });
  return Promise.race([settled, abandoned]);
}

async function settle<T>(work: () => T | PromiseLike<T>): Promise<Settled<T>> {
  try {
    return { how: 'returned', value: await work() };
  } catch (error) {
    return { how: 'threw', error };
  }
}

/** Gives the caller what the work gave: its value, its own error, or the timeout. */
export function resultOf<T>(settled: Settled<T>, cancellation: Cancellation): T {
  if (settled.how === 'threw') throw settled.error;
  if (settled.how === 'abandoned' || cancellation.timedOut) throw cancellation.signal.reason;
  return settled.value;
}
