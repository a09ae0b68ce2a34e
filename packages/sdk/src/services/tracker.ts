/** Carries every call of the tracking services to its end: stored, kept on disk, or told why not. */
import { randomUUID } from 'node:crypto';
import { generateRunId, nextRunId } from '@rollcall/semconv';
import { isTrackingErrorCode, TrackingError, type TrackingErrorCode } from './errors.ts';
import type { Exchanged } from './exchange.ts';
import { logOnce, type TrackingLogger } from './logger.ts';
import type { TrackingSpool } from './tracking-spool.ts';
import type { MetricRefusal } from './records.ts';
import { pathOf, recordPath, type TrackingCall } from './tracking-call.ts';
import type { TrackingClient } from './tracking-client.ts';

export interface TrackerOptions {
  client: TrackingClient;
  spool: TrackingSpool;
  log: TrackingLogger;
  /** False: nothing is sent and nothing kept. */
  enabled: boolean;
  /** The job of a run that another part of the SDK knows of. */
  jobOf?: (runId: string) => string | undefined;
}

/** What became of a call. */
export type Settled =
  | {
      status: 'stored';
      record: Record<string, unknown>;
      flaw: TrackingError | null;
      refused: MetricRefusal[];
    }
  | { status: 'pending' | 'off'; runId: string | null }
  | { status: 'failed'; error: TrackingError };

type Refusal = Extract<Exchanged, { status: 'refused' }>;
type NewCall = Omit<TrackingCall, 'key' | 'job'> & { key?: string | undefined; job?: string | null };

/** Enough for the runs that are open at a time; a forgotten one only has to be told its job again. */
const MOST_REMEMBERED = 10_000;
/** A call may first have to make its job run, then its client run. */
const MOST_RECOVERIES = 2;

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #jobs = new Map<string, string>();
  /** IDs that were made here while another run got them, and the ones that ingest gave instead. */
  readonly #renamed = new Map<string, string>();
  #latestMade = '';
  #sweep: Promise<unknown> | undefined;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** Makes a call. Throws only `signal.reason` of the caller's own signal, wrapped as `cancelled`. */
  async write(given: NewCall, signal?: AbortSignal): Promise<Settled> {
    const call = this.#complete(given);
    if (!this.#options.enabled) return { status: 'off', runId: this.#withId(call).runId };
    try {
      signal?.throwIfAborted();
      return await this.#carry(call, signal);
    } catch (cause) {
      return { status: 'failed', error: this.#logged(thrownError(call, cause, signal)) };
    }
  }

  /** Reads a record; null where there is none. */
  async read(
    path: string,
    subject: { runId: string | null; clientId: string | null },
    signal?: AbortSignal,
  ): Promise<Settled | null> {
    if (!this.#options.enabled) return null;
    try {
      const answer = await this.#options.client.request({ method: 'GET', path, signal });
      if (answer.status === 'accepted') return stored(answer.record);
      if (answer.status === 'refused' && answer.code.endsWith('run_not_found')) return null;
      const code = answer.status === 'refused' ? codeOf(answer) : 'storage_unavailable';
      const reason = answer.status === 'refused' ? answer.detail : answer.reason;
      const recovery = answer.status === 'refused' ? 'Nothing.' : 'It was asked again until the time was up.';
      return {
        status: 'failed',
        error: this.#logged(new TrackingError(code, reason, { recovery, ...subject })),
      };
    } catch (cause) {
      const call = { ...subject, action: '' as const };
      return { status: 'failed', error: this.#logged(thrownError(call, cause, signal)) };
    }
  }

  /** Path of a record, under the name that it has by now. */
  pathOf(runId: string, clientId: string | null): string {
    return recordPath(this.#renamed.get(runId) ?? runId, clientId);
  }

  /** The job of a run, where this process knows it. */
  jobOf(runId: string): string | undefined {
    return this.#jobs.get(runId) ?? this.#options.jobOf?.(runId);
  }

  /** Sends what waits on disk. Resolves to whether nothing is left. */
  async flush(): Promise<boolean> {
    const { spool, enabled } = this.#options;
    if (!enabled) return true;
    await this.#sweep;
    const replay = async (call: TrackingCall) => this.#replay(call);
    const ownDone = await spool.drainOwn(replay);
    return (await spool.drainOthers(replay)) && ownDone;
  }

  #complete(given: NewCall): TrackingCall {
    const { runId } = this.#underPresentName(given);
    const job = given.job ?? (runId === null ? undefined : this.jobOf(runId)) ?? null;
    if (runId !== null && given.job !== undefined && given.job !== null) this.#remember(runId, given.job);
    return { ...given, runId, job, key: given.key ?? randomUUID() };
  }

  #underPresentName<Call extends { readonly runId: string | null }>(call: Call): Call {
    const runId = this.#renamed.get(call.runId ?? '');
    return runId === undefined ? call : { ...call, runId };
  }

  async #carry(given: TrackingCall, signal: AbortSignal | undefined): Promise<Settled> {
    const { spool } = this.#options;
    // What waits came first: a completion must not overtake the update before it.
    const isClear = !spool.hasOwn || (await spool.drainOwn(async (waiting) => this.#replay(waiting)));
    if (!isClear) return this.#keep(given, 'earlier calls wait as well');
    const call = this.#underPresentName(given);
    const answer = await this.#deliver(call, signal);
    if (answer.status === 'unavailable') return this.#keep(call, answer.reason, answer.cause);
    this.#sweepOthers();
    if (answer.status === 'refused') return this.#refused(call, answer, signal);
    this.#rememberStored(call, answer.record);
    return stored(answer.record);
  }

  /** Sends a call; where the record that it is about is not there, makes it first from what is known. */
  async #deliver(call: TrackingCall, signal?: AbortSignal, once = false): Promise<Exchanged> {
    let answer = await this.#send(call, signal, once);
    for (let recovery = 1; recovery <= MOST_RECOVERIES; recovery++) {
      const missing = answer.status === 'refused' ? this.#missing(call, answer.code) : undefined;
      if (missing === undefined) break;
      const made = await this.#send({ ...missing, key: `${call.key}.made${recovery}` }, signal, once);
      if (made.status === 'unavailable') return made;
      const { action, runId, clientId } = missing;
      const what = action === 'create' ? 'Job run' : 'Client run';
      this.#options.log.warn(
        { code: 'record_not_found', runId, clientId, recovered: made.status === 'accepted' },
        `${what} was not there; it was made from what is known and marked recovered`,
      );
      // Under its own key: a refusal was no answer that ingest would keep to.
      answer = await this.#send(call, signal, once);
    }
    return answer;
  }

  async #send(call: TrackingCall, signal: AbortSignal | undefined, once: boolean): Promise<Exchanged> {
    const { method, body, key } = call;
    return this.#options.client.request({ method, path: pathOf(call), body, key, signal }, { once });
  }

  /** The call that makes the record that was missed. Undefined where too little is known. */
  #missing(call: TrackingCall, code: string): Omit<TrackingCall, 'key'> | undefined {
    const { runId, clientId, job } = call;
    if (runId === null || call.action === 'create') return undefined;
    if (code === 'run_not_found' && job !== null) {
      const body = { job, runId, recovered: true };
      return { method: 'POST', action: 'create', runId, clientId: null, body, job };
    }
    if (code === 'client_run_not_found' && clientId !== null) {
      return { method: 'PUT', action: '', runId, clientId, body: { recovered: true }, job };
    }
    return undefined;
  }

  /** A flaw is told beside the record as it is stored; anything else ends the call. */
  async #refused(call: TrackingCall, answer: Refusal, signal: AbortSignal | undefined): Promise<Settled> {
    const error = this.#logged(refusalError(call, answer));
    if (!error.isFlaw) return { status: 'failed', error };
    const parts = error.code === 'invalid_metric' ? eachMetric(call) : [];
    if (parts.length > 1) return this.#carryParts(parts, error, signal);
    const found = await this.read(recordPath(call.runId ?? '', call.clientId), call, signal);
    if (found?.status !== 'stored') return { status: 'failed', error };
    this.#rememberStored(call, found.record);
    const refused = parts.length === 0 ? [] : [{ subject: metricOf(call), reason: answer.detail }];
    return { status: 'stored', record: found.record, flaw: error, refused };
  }

  /** One value that is refused must not take the others along. */
  async #carryParts(
    parts: readonly TrackingCall[],
    error: TrackingError,
    signal: AbortSignal | undefined,
  ): Promise<Settled> {
    let last: Settled = { status: 'failed', error };
    const refused: MetricRefusal[] = [];
    for (const part of parts) {
      last = await this.#carry(part, signal);
      if (last.status === 'stored') refused.push(...last.refused);
    }
    return last.status === 'stored' ? { ...last, flaw: error, refused } : last;
  }

  async #keep(call: TrackingCall, reason: string, cause?: unknown): Promise<Settled> {
    const kept = this.#withId(call);
    const { spool } = this.#options;
    const { runId, clientId } = kept;
    try {
      if ((await spool.append(kept)) === 'kept') {
        const recovery = `Kept in ${spool.folder}; it is sent when ingest answers again.`;
        const message = `Not stored yet: ${reason}`;
        this.#logged(new TrackingError('storage_unavailable', message, { recovery, runId, clientId, cause }));
        return { status: 'pending', runId };
      }
      throw new Error(`The spool ${spool.folder} is full`);
    } catch (spoolFault) {
      const message = `Neither ingest (${reason}) nor the spool took it: ${String(spoolFault)}`;
      const recovery = 'None: this call is lost.';
      const details = { recovery, runId, clientId, cause: spoolFault };
      return { status: 'failed', error: this.#logged(new TrackingError('spool_failed', message, details)) };
    }
  }

  /** A run that is created while ingest is away gets its ID here, and a later second where this process took it already. */
  #withId(call: TrackingCall): TrackingCall {
    if (call.action !== 'create' || call.runId !== null) return call;
    const now = generateRunId();
    this.#latestMade = now > this.#latestMade ? now : nextRunId(this.#latestMade);
    const runId = this.#latestMade;
    if (call.job !== null) this.#remember(runId, call.job);
    return { ...call, runId, madeHere: true, body: { ...call.body, runId } };
  }

  /** Sends a call that waited, once. What is refused now is told and dropped, so that it does not hold up the rest. */
  async #replay(waiting: TrackingCall): Promise<'done' | 'stop'> {
    const call = this.#underPresentName(waiting);
    const answer = await this.#deliver(call, undefined, true);
    if (answer.status === 'unavailable') return 'stop';
    if (answer.status === 'accepted') return 'done';
    if (call.madeHere === true && answer.code === 'run_id_conflict') return this.#rename(call);
    const parts = answer.code === 'invalid_metric' ? eachMetric(call) : [];
    if (parts.length > 1) {
      for (const part of parts) if ((await this.#replay(part)) === 'stop') return 'stop';
      return 'done';
    }
    this.#logged(refusalError(call, answer));
    return 'done';
  }

  /** Two runs are never merged: the one whose ID was made here while another run got it takes a free one. */
  async #rename(call: TrackingCall): Promise<'done' | 'stop'> {
    const { runId: _taken, ...body } = call.body;
    const answer = await this.#send({ ...call, runId: null, body, key: `${call.key}.free` }, undefined, true);
    if (answer.status === 'unavailable') return 'stop';
    const runId = answer.status === 'accepted' ? answer.record['runId'] : undefined;
    if (call.runId === null || typeof runId !== 'string') return 'done';
    limitedSet(this.#renamed, call.runId, runId);
    const message = `Another run has the ID ${call.runId}, which was made while ingest was away; this one is ${runId}`;
    const recovery = `Calls of this process for ${call.runId} go to ${runId}.`;
    this.#logged(new TrackingError('run_id_conflict', message, { recovery, runId }));
    return 'done';
  }

  /** Once per process, and beside the work: sends what processes that are gone left behind. */
  #sweepOthers(): void {
    this.#sweep ??= this.#options.spool
      .drainOthers(async (call) => this.#replay(call))
      .catch((fault: unknown) =>
        this.#options.log.warn({ fault }, 'What other processes left in the spool could not be sent'),
      );
  }

  #remember(runId: string, job: string): void {
    limitedSet(this.#jobs, runId, job);
  }

  /** Under the name that was used as well: it may be an alias. */
  #rememberStored(call: TrackingCall, { runId, job }: Record<string, unknown>): void {
    if (typeof job !== 'string') return;
    if (typeof runId === 'string') this.#remember(runId, job);
    if (call.runId !== null) this.#remember(call.runId, job);
  }

  #logged(error: TrackingError): TrackingError {
    logOnce(this.#options.log, error);
    return error;
  }
}

function stored(record: Record<string, unknown>): Settled {
  return { status: 'stored', record, flaw: null, refused: [] };
}

/** The same call for each of its metrics alone. */
function eachMetric(call: TrackingCall): TrackingCall[] {
  const metrics = call.body['metrics'] ?? {};
  return Object.entries(metrics).map(([name, value], index) => ({
    ...call,
    key: `${call.key}.${index}`,
    body: { ...call.body, metrics: { [name]: value as unknown } },
  }));
}

function metricOf(call: TrackingCall): string {
  return Object.keys(call.body['metrics'] ?? {})[0] ?? '';
}

/** Forgets the oldest. */
function limitedSet(map: Map<string, string>, key: string, value: string): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
}

function codeOf({ code }: Refusal): TrackingErrorCode {
  return isTrackingErrorCode(code) ? code : 'unexpected';
}

function refusalError(call: TrackingCall, answer: Refusal): TrackingError {
  const { runId, clientId } = call;
  const code = codeOf(answer);
  return new TrackingError(code, answer.detail, {
    recovery: RECOVERY[code] ?? 'Nothing was changed.',
    runId,
    clientId,
    cause: answer,
  });
}

const RECOVERY: Partial<Record<TrackingErrorCode, string>> = {
  run_not_found: 'Nothing: to make the missing job run, its job must be known; pass jobType.',
  already_ended: 'The first end stands; metrics are kept all the same.',
  attempt_over: 'What is stored of the later attempt stands.',
  attempt_gap: 'What is stored of the last attempt stands.',
  invalid_metric: 'The other values were kept.',
  run_id_conflict: 'Nothing was written into the other run.',
  alias_taken: 'The alias still names the other run.',
};

function thrownError(
  { runId, clientId, action }: Pick<TrackingCall, 'runId' | 'clientId' | 'action'>,
  cause: unknown,
  signal: AbortSignal | undefined,
): TrackingError {
  const details = { runId, clientId, cause };
  if (signal?.aborted === true) {
    const recovery = 'The call was broken off; it may or may not have been stored.';
    return new TrackingError('cancelled', 'The caller cancelled it.', { ...details, recovery });
  }
  const what = action === '' ? 'the call' : action;
  const recovery = 'Aborted; the original error is the cause.';
  return new TrackingError('unexpected', `Tracking failed in ${what}: ${String(cause)}`, {
    ...details,
    recovery,
  });
}
