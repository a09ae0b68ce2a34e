/** What the threads of a process share of one run: the numbers of its events, and its progress. */

export interface Progress {
  done: number;
  total?: number;
}

const SIZE_BYTES = 32;
/** Places of the 32-bit integers. */
const EVENTS = 0;
const PENDING_BEAT = 1;
const PROGRESS_VERSION = 2;
/** Places of the 64-bit floats, behind the integers. */
const DONE = 2;
const TOTAL = 3;

/**
 * One producer numbers its events of a run without gaps, whichever of its threads emits them.
 * A heartbeat that has not arrived keeps its number, and the next one takes its place under it:
 * however long ingest is away, nothing piles up and no number is missing afterwards.
 */
export class Lifeline {
  readonly memory: SharedArrayBuffer;
  readonly #integers: Int32Array;
  readonly #floats: Float64Array;

  constructor(memory = new SharedArrayBuffer(SIZE_BYTES)) {
    this.memory = memory;
    this.#integers = new Int32Array(memory);
    this.#floats = new Float64Array(memory);
  }

  /** How many numbers were given out. */
  get events(): number {
    return Atomics.load(this.#integers, EVENTS);
  }

  nextEvent(): number {
    return Atomics.add(this.#integers, EVENTS, 1) + 1;
  }

  /** The number of the heartbeat that is not known to have arrived; 0 if there is none. */
  get pendingBeat(): number {
    return Atomics.load(this.#integers, PENDING_BEAT);
  }

  /** The number for the next heartbeat of the thread. */
  takeBeat(): number {
    const pending = this.pendingBeat;
    if (pending !== 0) return pending;
    const number = this.nextEvent();
    Atomics.store(this.#integers, PENDING_BEAT, number);
    return number;
  }

  beatArrived(): void {
    Atomics.store(this.#integers, PENDING_BEAT, 0);
  }

  set progress({ done, total }: Progress) {
    // Odd while the two numbers do not belong together.
    Atomics.add(this.#integers, PROGRESS_VERSION, 1);
    this.#floats[DONE] = done;
    this.#floats[TOTAL] = total ?? Number.NaN;
    Atomics.add(this.#integers, PROGRESS_VERSION, 1);
  }

  /** Undefined while nobody has told any. */
  get progress(): Progress | undefined {
    for (;;) {
      const version = Atomics.load(this.#integers, PROGRESS_VERSION);
      if (version === 0) return undefined;
      const done = this.#floats[DONE] ?? 0;
      const total = this.#floats[TOTAL] ?? Number.NaN;
      const isWhole = version % 2 === 0 && Atomics.load(this.#integers, PROGRESS_VERSION) === version;
      if (isWhole) return Number.isNaN(total) ? { done } : { done, total };
    }
  }
}
