/** Asks ingest for a run ID that no other run of the project has. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HrTime } from '@opentelemetry/api';
import { toEpochMs } from '../clock.ts';
import type { Config } from '../config.ts';
import { sdkLog } from '../faults.ts';
import { CircuitBreaker } from '../services/circuit-breaker.ts';
import { exchange, type Exchanged } from '../services/exchange.ts';

export interface ClaimRequest {
  job: string;
  /** The ID that the run takes if no other run has it; else ingest names the next free one. */
  runId: string;
  /** Whether the caller wants exactly this one. */
  isGiven: boolean;
  origin: string;
  startTime: HrTime;
  /** What this run is an execution of, elsewhere: a later attempt gets the ID of the first. */
  externalId?: string | undefined;
}

/**
 * The ID that the run has now. `unclaimed`: ingest did not answer in time.
 * `taken`: another run has the ID that was asked for.
 */
export interface Claim {
  status: 'claimed' | 'unclaimed' | 'taken';
  runId: string;
  /** The earlier attempt that has claimed the ID. */
  earlier?: { attempt: number };
}

interface Attempt {
  runId: string;
  attempt: number;
}

const MOST_REMEMBERED = 10_000;
/** After a failure jobs do not wait again for so long. */
const REST_MS = 5_000;
const PAUSE_MS = 100;
/** An ID that comes too late is given back; nobody waits for that, but the process lives so much longer at most. */
const LATE_MS = 2_000;

export class Claims {
  readonly #config: Config;
  readonly #breaker = new CircuitBreaker({ failures: 1, openMs: REST_MS });
  /** The latest attempts of this process, for when ingest is away. */
  readonly #attempts = new Map<string, Attempt>();

  constructor(config: Config) {
    this.#config = config;
  }

  /** Whether ingest was asked lately and did not answer. */
  get isAway(): boolean {
    return this.#breaker.state === 'open';
  }

  /** Takes at most `claimTimeoutMs`; a refused connection is noticed at once. Does not throw. */
  async claim(request: ClaimRequest): Promise<Claim> {
    const known = this.#attempts.get(executionOf(request));
    if (known !== undefined) return { status: 'claimed', runId: known.runId, earlier: known };
    const { endpoint, disabled, claimTimeoutMs } = this.#config;
    if (disabled || endpoint === undefined || claimTimeoutMs === 0 || !this.#breaker.mayTry()) {
      return { status: 'unclaimed', runId: request.runId };
    }
    const asked = this.#askTwice(endpoint, request);
    const answer = await within(claimTimeoutMs, asked);
    if (answer !== undefined) return this.#conclude(request, answer);
    this.#breaker.failed();
    // Should the answer be late, the record that ingest made is that of this very run, unless the ID was taken.
    void asked.then(async (late) => this.#giveBack(endpoint, late, request.runId));
    return { status: 'unclaimed', runId: request.runId };
  }

  /** Keeps in mind which run an execution has, for its next attempt. */
  remember(request: ClaimRequest, attempt: Attempt): void {
    const key = executionOf(request);
    this.#attempts.delete(key);
    this.#attempts.set(key, attempt);
    const [oldest] = this.#attempts.keys();
    if (this.#attempts.size > MOST_REMEMBERED && oldest !== undefined) this.#attempts.delete(oldest);
  }

  /**
   * A hiccup is no absence: asked again, the same question is the same claim.
   * Where nobody listens nobody is asked again, and nobody is when the job waits no longer.
   */
  async #askTwice(endpoint: URL, request: ClaimRequest): Promise<Exchanged> {
    const { claimTimeoutMs } = this.#config;
    const startedMs = performance.now();
    const first = await this.#ask(endpoint, request, claimTimeoutMs + (request.isGiven ? 0 : LATE_MS));
    if (first.status !== 'unavailable' || !first.again || isRefused(first.cause)) return first;
    const pauseMs = Math.max(first.afterMs ?? 0, PAUSE_MS * (0.5 + Math.random()));
    const leftMs = claimTimeoutMs - (performance.now() - startedMs) - pauseMs;
    if (leftMs <= 0) return first;
    // The job waits for this, so the process must.
    await sleep(pauseMs);
    return this.#ask(endpoint, request, leftMs);
  }

  async #ask(
    endpoint: URL,
    { job, origin, startTime, runId, isGiven, externalId }: ClaimRequest,
    timeoutMs: number,
  ): Promise<Exchanged> {
    const { headers, heartbeatIntervalMs } = this.#config;
    const startedAt = new Date(toEpochMs(startTime)).toISOString();
    const place = { method: 'POST' as const, path: '/api/v1/runs', timeoutMs };
    if (externalId !== undefined) {
      // Ingest remembers which run it made under a key, so a key that the attempts share gives them one run.
      // What comes again under one key must be the same request, so it says nothing of the attempt.
      const key = `execution-${origin}`;
      return exchange({ endpoint, headers }, { ...place, body: { job, origin }, key });
    }
    const common = { job, origin, startedAt, heartbeatIntervalMs };
    const body = { ...common, runId, ifTaken: isGiven ? 'refuse' : 'next' };
    return exchange({ endpoint, headers }, { ...place, body });
  }

  #conclude(request: ClaimRequest, answer: Exchanged): Claim {
    if (answer.status === 'unavailable') this.#breaker.failed();
    else this.#breaker.succeeded();
    if (answer.status === 'refused' && answer.code === 'run_id_conflict') {
      return { status: 'taken', runId: request.runId };
    }
    const runId = runIdOf(answer);
    if (runId !== undefined) return { status: 'claimed', runId, ...earlierOf(answer, request) };
    sdkLog.debug('The run ID is not claimed', answer);
    return { status: 'unclaimed', runId: request.runId };
  }

  /** Ends the record that nobody will use, so that it is not taken for a run that was lost. */
  async #giveBack(endpoint: URL, late: Exchanged, inUse: string): Promise<void> {
    const runId = runIdOf(late);
    // The one that was made here may be the same by chance; then it is this run's record.
    if (runId === undefined || runId === inUse) return;
    const body = {
      status: 'cancelled',
      reason: 'The ID was claimed too late; the run goes on under another',
    };
    const path = `/api/v1/runs/${runId}/complete`;
    const { headers } = this.#config;
    await exchange({ endpoint, headers }, { method: 'POST', path, body, timeoutMs: LATE_MS });
  }
}

/** fetch hides what happened in the cause of its own error. */
function isRefused(thrown: unknown): boolean {
  const { cause } = (thrown ?? {}) as { cause?: { code?: string } };
  return cause?.code === 'ECONNREFUSED';
}

/** Undefined where it takes longer. */
async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const expired = sleep(Math.max(0, timeoutMs), undefined, { signal: settled.signal });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    settled.abort();
    expired.catch(() => undefined);
  }
}

/** Ingest answers with the record that is there, which may be that of an earlier attempt. */
function earlierOf(answer: Exchanged, { externalId }: ClaimRequest): Pick<Claim, 'earlier'> {
  if (externalId === undefined || answer.status !== 'accepted' || answer.created) return {};
  const { attempt } = answer.record;
  return typeof attempt === 'number' ? { earlier: { attempt } } : {};
}

/** What all attempts of an execution have in common, whoever runs them. */
export function originOfExecution(job: string, externalId: string): string {
  return createHash('sha256').update(executionOf({ job, externalId })).digest('hex').slice(0, 32);
}

function executionOf({ job, externalId }: Pick<ClaimRequest, 'job' | 'externalId'>): string {
  return externalId === undefined ? '' : JSON.stringify([job, externalId]);
}

function runIdOf(answer: Exchanged): string | undefined {
  const runId = answer.status === 'accepted' ? answer.record['runId'] : undefined;
  return typeof runId === 'string' ? runId : undefined;
}
