/** Stops asking an ingest that does not answer, and asks again from time to time. */

export interface CircuitBreakerOptions {
  /** So many failures in a row open the circuit. Default 5. */
  failures?: number;
  /** How long nothing is asked then, before one call may probe. Default 10 s. */
  openMs?: number;
  /** Milliseconds of a monotonic clock. */
  clock?: () => number;
}

/** Closed until failures pile up; open for a while; then half open: one call goes through and decides. */
export class CircuitBreaker {
  readonly #failuresToOpen: number;
  readonly #openMs: number;
  readonly #clock: () => number;
  #failures = 0;
  #openUntilMs = 0;
  #probing = false;

  constructor({
    failures = 5,
    openMs = 10_000,
    clock = () => performance.now(),
  }: CircuitBreakerOptions = {}) {
    this.#failuresToOpen = failures;
    this.#openMs = openMs;
    this.#clock = clock;
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#failures < this.#failuresToOpen) return 'closed';
    return this.#clock() < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** Whether a request may be made now. In the half-open state the first to ask is the probe. */
  mayTry(): boolean {
    const { state } = this;
    if (state !== 'half-open') return state === 'closed';
    if (this.#probing) return false;
    this.#probing = true;
    return true;
  }

  /** It answered, whatever it said. */
  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  failed(): void {
    this.#failures++;
    this.#probing = false;
    if (this.#failures >= this.#failuresToOpen) this.#openUntilMs = this.#clock() + this.#openMs;
  }

  /** The request was broken off by the caller: it says nothing about ingest. */
  abandoned(): void {
    this.#probing = false;
  }
}
