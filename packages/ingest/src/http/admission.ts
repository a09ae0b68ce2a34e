/** Decides which requests are let in while much is going on, so that no project can crowd out the others. */

/** A request that is to come back. */
export interface Retry {
  readonly status: 'retry';
  readonly afterMs: number;
  readonly reason: string;
  readonly httpStatus: 429 | 503;
}

export interface AdmissionLimits {
  /** Bytes of the bodies that are being read and decoded at once. */
  readonly maxInFlightBytes: number;
  /** The part of that, and of the spool, that one project may take. */
  readonly projectShare: number;
  /** What one project may send on average; a burst may be as much as ten seconds of it. Absent: no limit. */
  readonly projectBytesPerSecond: number | undefined;
  /** The spool's size; a project's share of it is what waits for ClickHouse. */
  readonly spoolMaxBytes: number;
}

const BURST_SECONDS = 10;
const BUSY_RETRY_MS = 1_000;
const SPOOL_RETRY_MS = 5_000;

/** Counts per project what is in flight, what arrives and what waits in the spool. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #clock: () => number;
  readonly #inFlight = new Map<string, number>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #waiting: (projectId: string) => number;
  #inFlightBytes = 0;

  /** `waitingBytes` says how much of a project is in the spool; `clock` is in milliseconds. */
  constructor(
    limits: AdmissionLimits,
    {
      waitingBytes,
      clock = () => performance.now(),
    }: { waitingBytes: (projectId: string) => number; clock?: () => number },
  ) {
    this.#limits = limits;
    this.#waiting = waitingBytes;
    this.#clock = clock;
  }

  /** Lets a request in, or says when to come back. Whoever is let in calls `leave` when it is done. */
  enter(projectId: string, sizeBytes: number): { status: 'in'; leave: () => void } | Retry {
    const refusal = this.#refusal(projectId, sizeBytes);
    if (refusal !== null) return refusal;
    this.#count(projectId, sizeBytes);
    let isIn = true;
    return {
      status: 'in',
      leave: () => {
        if (isIn) this.#count(projectId, -sizeBytes);
        isIn = false;
      },
    };
  }

  #refusal(projectId: string, sizeBytes: number): Retry | null {
    const { maxInFlightBytes, projectShare, spoolMaxBytes } = this.#limits;
    // One request is always let in, however large: its size has a limit of its own.
    if (this.#inFlightBytes > 0 && this.#inFlightBytes + sizeBytes > maxInFlightBytes) {
      return retry(503, BUSY_RETRY_MS, 'too much is being read at once');
    }
    const ofProject = this.#inFlight.get(projectId) ?? 0;
    if (ofProject > 0 && ofProject + sizeBytes > maxInFlightBytes * projectShare) {
      return retry(429, BUSY_RETRY_MS, `the project sends too much at once`);
    }
    if (this.#waiting(projectId) > spoolMaxBytes * projectShare) {
      return retry(429, SPOOL_RETRY_MS, 'the project has its share of the spool; it waits for ClickHouse');
    }
    return this.#rateRefusal(projectId, sizeBytes);
  }

  #rateRefusal(projectId: string, sizeBytes: number): Retry | null {
    const { projectBytesPerSecond } = this.#limits;
    if (projectBytesPerSecond === undefined) return null;
    let bucket = this.#buckets.get(projectId);
    if (!bucket) {
      bucket = new TokenBucket(projectBytesPerSecond, this.#clock());
      this.#buckets.set(projectId, bucket);
    }
    const afterMs = bucket.take(sizeBytes, this.#clock());
    if (afterMs === 0) return null;
    return retry(429, afterMs, `the project sends more than ${projectBytesPerSecond} bytes per second`);
  }

  #count(projectId: string, sizeBytes: number): void {
    this.#inFlightBytes += sizeBytes;
    const ofProject = (this.#inFlight.get(projectId) ?? 0) + sizeBytes;
    if (ofProject > 0) this.#inFlight.set(projectId, ofProject);
    else this.#inFlight.delete(projectId);
  }
}

/** May go into debt by one request, which the next ones then wait for: a large request is not refused for ever. */
class TokenBucket {
  readonly #perSecond: number;
  #level: number;
  #filledMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#level = perSecond * BURST_SECONDS;
    this.#filledMs = nowMs;
  }

  /** 0, or how long to wait. */
  take(amount: number, nowMs: number): number {
    const filled = this.#level + ((nowMs - this.#filledMs) / 1_000) * this.#perSecond;
    this.#level = Math.min(filled, this.#perSecond * BURST_SECONDS);
    this.#filledMs = nowMs;
    if (this.#level <= 0) return Math.ceil((-this.#level / this.#perSecond) * 1_000) + 1;
    this.#level -= amount;
    return 0;
  }
}

function retry(httpStatus: 429 | 503, afterMs: number, reason: string): Retry {
  return { status: 'retry', httpStatus, afterMs, reason };
}
