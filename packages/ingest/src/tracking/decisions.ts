/** Remembers what was decided of runs and of clients until ClickHouse can tell it, so that the next decision need not wait. */

/** What other processes say meanwhile becomes known within this time. */
const LONGEST_MS = 1_000;

interface Decided<State> {
  readonly state: State;
  /** When the first of the decisions was made that ClickHouse does not tell yet. */
  readonly sinceMs: number;
}

export class Decisions<State> {
  readonly #decided = new Map<string, Decided<State>>();

  /** The state after all decisions, or undefined where ClickHouse is to be asked once they have arrived there. */
  get(key: string): State | undefined {
    const decided = this.#decided.get(key);
    return decided !== undefined && performance.now() - decided.sinceMs < LONGEST_MS
      ? decided.state
      : undefined;
  }

  /** What was decided is on disk, and can be read when `arrived` resolves. */
  note(key: string, state: State, arrived: Promise<void>): void {
    const now = performance.now();
    const before = this.#decided.get(key);
    const isYoung = before !== undefined && now - before.sinceMs < LONGEST_MS;
    const decided = { state, sinceMs: isYoung ? before.sinceMs : now };
    this.#decided.set(key, decided);
    const forget = (): void => {
      if (this.#decided.get(key) === decided) this.#decided.delete(key);
    };
    void arrived.then(forget, forget);
  }
}
