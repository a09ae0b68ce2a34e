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
  origin: string;
  startTime: HrTime;
}

/**
 * `unclaimed`: ingest did not answer in time, so the ID that was asked for stands.
 * `taken`: another run has it, and there is no other for this one.
 */
export type Claim = { status: 'claimed'; runId: string } | { status: 'taken' } | { status: 'unclaimed' };

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
      return UNCLAIMED;
    }
    const deadlineMs = performance.now() + claimTimeoutMs;
    if (request.isGiven || performance.now() >= this.#crowdedUntilMs) {
      // This ID first: should the answer be late, the record that ingest made is that of this very run.
      const own = this.#conclude(await this.#ask(endpoint, request, request.runId, claimTimeoutMs));
      if (own.status !== 'taken' || request.isGiven) return own;
      this.#crowdedUntilMs = performance.now() + CROWDED_MS;
    }
    return this.#claimAnother(endpoint, request, deadlineMs - performance.now());
  }

  async #claimAnother(endpoint: URL, request: ClaimRequest, leftMs: number): Promise<Claim> {
    const asked = this.#ask(endpoint, request, undefined, Math.max(1, leftMs) + LATE_MS);
    const claim = await Promise.race([asked.then((answer) => this.#conclude(answer)), expire(leftMs)]);
    if (claim.status === 'claimed') return claim;
    void asked.then(async (late) => this.#giveBack(endpoint, late));
    return { status: 'taken' };
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

  #conclude(answer: Exchanged): Claim {
    if (answer.status === 'unavailable') this.#breaker.failed();
    else this.#breaker.succeeded();
    if (answer.status === 'refused' && answer.code === 'run_id_conflict') return { status: 'taken' };
    const runId = runIdOf(answer);
    if (runId !== undefined) return { status: 'claimed', runId };
    sdkLog.debug('The run ID is not claimed', answer);
    return UNCLAIMED;
  }

  /** Ends the record that nobody will use, so that it is not taken for a run that was lost. */
  async #giveBack(endpoint: URL, late: Exchanged): Promise<void> {
    const runId = runIdOf(late);
    if (runId === undefined) return;
    const body = {
      status: 'cancelled',
      reason: 'The ID was claimed too late; the run goes on under another',
    };
    const path = `/api/v1/runs/${runId}/complete`;
    const { headers } = this.#config;
    await exchange({ endpoint, headers }, { method: 'POST', path, body, timeoutMs: LATE_MS });
  }
}

const UNCLAIMED: Claim = { status: 'unclaimed' };

async function expire(afterMs: number): Promise<Claim> {
  return sleep(Math.max(0, afterMs), { status: 'taken' } as const, { ref: false });
}

function runIdOf(answer: Exchanged): string | undefined {
  const runId = answer.status === 'accepted' ? answer.record['runId'] : undefined;
  return typeof runId === 'string' ? runId : undefined;
}
