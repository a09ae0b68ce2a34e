/** Speaks to the tracking API: in time, with a key, again where that may help, and not at all to a dead ingest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { exchange, type Exchanged, type ExchangeOptions, type TrackingRequest } from './exchange.ts';

export interface RetryOptions {
  /** How often one call is tried. Default 4. */
  tries?: number;
  /** How long one call may take in all, pauses included. Default 5 s. */
  budgetMs?: number;
  /** The longest first pause; each further one may be twice as long. Default 100 ms. */
  firstPauseMs?: number;
  /** The longest pause. Default 2 s. */
  longestPauseMs?: number;
}

export interface TrackingClientOptions extends ExchangeOptions {
  /** How long one request may take. */
  requestTimeoutMs: number;
  breaker: CircuitBreaker;
  retry?: RetryOptions;
  /** From 0 to 1. */
  random?: () => number;
}

/** No state but the circuit's. */
export class TrackingClient {
  readonly #options: TrackingClientOptions;
  readonly #retry: Required<RetryOptions>;

  constructor(options: TrackingClientOptions) {
    this.#options = options;
    const defaults = { tries: 4, budgetMs: 5_000, firstPauseMs: 100, longestPauseMs: 2_000 };
    this.#retry = { ...defaults, ...options.retry };
  }

  /**
   * Makes a request, again after network errors, 408, 429 and 5xx: exponential backoff with full jitter
   * (any pause up to the bound is as likely, so that many clients spread out), `Retry-After` honoured.
   * Throws only `signal.reason`. With `once` there is a single try.
   */
  async request(request: Omit<TrackingRequest, 'timeoutMs'>, { once = false } = {}): Promise<Exchanged> {
    const { tries, budgetMs } = this.#retry;
    const deadlineMs = performance.now() + budgetMs;
    for (let attempt = 1; ; attempt++) {
      const result = await this.#try(request, deadlineMs);
      if (result.status !== 'unavailable' || !result.again || once || attempt >= tries) return result;
      const pauseMs = this.#pauseMs(attempt, result.afterMs);
      if (performance.now() + pauseMs >= deadlineMs) return result;
      await pause(pauseMs, request.signal);
    }
  }

  async #try(request: Omit<TrackingRequest, 'timeoutMs'>, deadlineMs: number): Promise<Exchanged> {
    const { breaker, requestTimeoutMs } = this.#options;
    if (!breaker.mayTry())
      return { status: 'unavailable', again: false, reason: 'Ingest did not answer lately' };
    const leftMs = Math.max(1, Math.ceil(deadlineMs - performance.now()));
    try {
      const timeoutMs = Math.min(requestTimeoutMs, leftMs);
      const result = await exchange(this.#options, { ...request, timeoutMs });
      // Too busy is not dead: 429 asks for patience, and the pauses give it.
      if (result.status === 'unavailable' && !result.reason.startsWith('HTTP 4')) breaker.failed();
      else breaker.succeeded();
      return result;
    } catch (aborted) {
      breaker.abandoned();
      throw aborted;
    }
  }

  #pauseMs(attempt: number, askedForMs = 0): number {
    const { firstPauseMs, longestPauseMs } = this.#retry;
    const boundMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (attempt - 1));
    const random = this.#options.random ?? Math.random;
    return Math.max(askedForMs, boundMs * random());
  }
}

async function pause(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
  } catch {
    signal?.throwIfAborted();
  }
}
