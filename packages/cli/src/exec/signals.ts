/** Hears the signals that ask this process to stop. */

const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Listens from the beginning: a signal that comes before the program runs is not lost. */
export class StopSignals {
  #first: NodeJS.Signals | undefined;
  readonly #listeners = new Set<(signal: NodeJS.Signals) => void>();

  constructor() {
    for (const name of STOPPING) process.on(name, this.#take);
  }

  /** The first that came. */
  get first(): NodeJS.Signals | undefined {
    return this.#first;
  }

  /** Calls back for each that comes from now on. Returns the function that ends it. */
  listen(listener: (signal: NodeJS.Signals) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly #take = (signal: NodeJS.Signals): void => {
    this.#first ??= signal;
    for (const listener of this.#listeners) listener(signal);
  };
}
