/** Asks ingest for a run ID that no other run of the project has. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HrTime } from '@opentelemetry/api';
import { toEpochMs } from '../clock.ts';
import type { Config } from '../config.ts';
import { sdkLog } from '../faults.ts';
import { CircuitBreaker } from '../services/circuit-breaker.ts';
import { exchange, type Exchanged } from '../services/exchange.ts';

export interface ClaimRequest {
  job: string;
  /** The ID that the run takes if nobody objects. */
  runId: string;
  /** Whether the caller wants exactly this one. */
  isGiven: boolean;
  /** Makes another ID, for when this one is somebody else's and ingest has no other in time. */
  another: () => string;
  origin: string;
  startTime: HrTime;
}

/**
 * The ID that the run has now. `unclaimed`: ingest did not answer in time.
 * `taken`: another run has the ID that was asked for.
 */
export interface Claim {
  status: 'claimed' | 'unclaimed' | 'taken';
  runId: string;
}

/** After a failure jobs do not wait again for so long. */
const REST_MS = 5_000;
/** Once somebody was first, others probably are too, and asking for any free ID spares a request. */
const CROWDED_MS = 10_000;
/** An ID that comes too late is given back; nobody waits for that, but the process lives so much longer at most. */
const LATE_MS = 2_000;

export class Claims {
  readonly #config: Config;
  readonly #breaker = new CircuitBreaker({ failures: 1, openMs: REST_MS });
  #crowdedUntilMs = 0;

  constructor(config: Config) {
    this.#config = config;
  }

  /** Takes at most `claimTimeoutMs`; a refused connection is noticed at once. Does not throw. */
  async claim(request: ClaimRequest): Promise<Claim> {
    const { endpoint, disabled, claimTimeoutMs } = this.#config;
    if (disabled || endpoint === undefined || claimTimeoutMs === 0 || !this.#breaker.mayTry()) {
      return { status: 'unclaimed', runId: request.runId };
    }
    const deadlineMs = performance.now() + claimTimeoutMs;
    if (request.isGiven || performance.now() >= this.#crowdedUntilMs) {
      // This ID first: should the answer be late, the record that ingest made is that of this very run.
      const own = this.#conclude(request, await this.#ask(endpoint, request, request.runId, claimTimeoutMs));
      if (own.status !== 'taken' || request.isGiven) return own;
      this.#crowdedUntilMs = performance.now() + CROWDED_MS;
    }
    return this.#claimAnother(endpoint, request, deadlineMs - performance.now());
  }

  async #claimAnother(endpoint: URL, request: ClaimRequest, leftMs: number): Promise<Claim> {
    const asked = this.#ask(endpoint, request, undefined, Math.max(1, leftMs) + LATE_MS);
    const answer = await Promise.race([asked, expire(leftMs)]);
    const claim = answer === undefined ? undefined : this.#conclude(request, answer);
    if (claim?.status === 'claimed') return claim;
    const runId = request.another();
    void asked.then(async (late) => this.#giveBack(endpoint, late, runId));
    return { status: 'unclaimed', runId };
  }

  async #ask(
    endpoint: URL,
    { job, origin, startTime }: ClaimRequest,
    runId: string | undefined,
    timeoutMs: number,
  ): Promise<Exchanged> {
    const { headers, heartbeatIntervalMs } = this.#config;
    const startedAt = new Date(toEpochMs(startTime)).toISOString();
    const body = { job, ...(runId === undefined ? {} : { runId }), origin, startedAt, heartbeatIntervalMs };
    const key = `claim-${runId ?? 'any'}-${origin}`;
    return exchange({ endpoint, headers }, { method: 'POST', path: '/api/v1/runs', body, key, timeoutMs });
  }

  #conclude(request: ClaimRequest, answer: Exchanged): Claim {
    if (answer.status === 'unavailable') this.#breaker.failed();
    else this.#breaker.succeeded();
    if (answer.status === 'refused' && answer.code === 'run_id_conflict') {
      return { status: 'taken', runId: request.runId };
    }
    const runId = runIdOf(answer);
    if (runId !== undefined) return { status: 'claimed', runId };
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

async function expire(afterMs: number): Promise<undefined> {
  return sleep(Math.max(0, afterMs), undefined, { ref: false });
}

function runIdOf(answer: Exchanged): string | undefined {
  const runId = answer.status === 'accepted' ? answer.record['runId'] : undefined;
  return typeof runId === 'string' ? runId : undefined;
}
