/** Lets so many in at once, and so many wait. */

import { EngineError } from './engine-error.ts';

export class Gate {
  #free: number;
  readonly #size: number;
  readonly #mostWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;
  #emptied: (() => void) | undefined;

  constructor(size: number, mostWaiting: number) {
    this.#free = size;
    this.#size = size;
    this.#mostWaiting = mostWaiting;
  }

  /** Returns what must be called, once, at the end. @throws EngineError `busy`, `engine_closed` */
  async enter(): Promise<() => void> {
    if (this.#isClosed) throw new EngineError('engine_closed', 'The engine is closed; open it again.');
    if (this.#free > 0) {
      this.#free--;
    } else {
      if (this.#waiting.length >= this.#mostWaiting) {
        throw new EngineError(
          'busy',
          `${this.#waiting.length} statements are waiting already; try again in a while.`,
        );
      }
      await new Promise<void>((enter) => this.#waiting.push(enter));
    }
    let isIn = true;
    return () => {
      if (isIn) this.#leave();
      isIn = false;
    };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next();
    else this.#free++;
    if (this.#free === this.#size) this.#emptied?.();
  }

  /** Lets nobody in any more, and resolves when all have left. */
  async drain(): Promise<void> {
    this.#isClosed = true;
    if (this.#free === this.#size) return;
    await new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
  }
}
