/** Tracks one execution of a job. */
import { randomBytes } from 'node:crypto';
import {
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  SeverityNumber,
  trace,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { ATTR, checkClientId, describeValue, EVENT, SPAN_KIND } from '@rollcall/semconv';
import { now, toEpochMs } from '../clock.ts';
import { safely, sdkLog } from '../faults.ts';
import type { BeatOwner } from '../heartbeat/beat-record.ts';
import type { Interruption, Living } from '../heartbeat/heartbeat.ts';
import type { Lifeline, Progress } from '../heartbeat/lifeline.ts';
import type { Vitals } from '../heartbeat/vitals.ts';
import { Stamp, STAMP, type Stamped } from '../otel/stamp.ts';
import { Cancellation, LONGEST_TIMER_MS, resultOf, supervise, type Settled } from './cancellation.ts';
import { originOfExecution, type Claim, type ClaimRequest } from './claims.ts';
import { observe } from './observe.ts';
import { ClientRun } from './client-run.ts';
import { listClients, runClients } from './clients.ts';
import type { Core } from './core.ts';
import type { Ending } from './ending.ts';
import type {
  Client,
  ClientOptions,
  ClientResult,
  ClientsOptions,
  JobOptions,
  JoinOptions,
  Limits,
  Run,
} from './handles.ts';
import type { HandedRun, RunIdentity } from './handed-run.ts';
import { nameOfJob } from './job-name.ts';
import { NOTE } from './notes.ts';
import { RunBaggage } from './run-baggage.ts';
import { RunContext } from './run-context.ts';
import { contextWithin, traced, withoutScope, type Scope } from './scope.ts';
import { describeSchedule } from './schedule.ts';
import type { SharedCounts } from './shared-counts.ts';
import { TrackedRun, type RunEvent, type TrackedRunParts } from './tracked-run.ts';
import { untrackedClient } from './untracked.ts';

const MAX_ROSTER = 500;
/** Of a run that is over, tries by client are remembered for so many clients. */
const MOST_ATTEMPTS_KEPT = 100;

export class JobRun extends TrackedRun implements Run, Living {
  readonly runId: string;
  readonly jobName: string;
  readonly clientSpanName: string;
  /** What tells the run apart from another with its ID. */
  readonly origin: string;
  readonly span: Span;
  readonly scope: Scope;
  readonly context: Context;
  protected readonly endedEvent: typeof EVENT.RUN_ENDED | undefined;
  /** The client run that this process takes part in. */
  readonly joinedClient: ClientRun | undefined;
  readonly #counts: SharedCounts;
  readonly #openClients = new Set<ClientRun>();
  /** Calls of `clients` that still have clients to start. */
  #openLists = 0;

  private constructor(parts: TrackedRunParts, span: Span, parent: Context, joined?: HandedRun) {
    super(parts);
    const { stamp, core } = parts;
    this.endedEvent = joined === undefined ? EVENT.RUN_ENDED : undefined;
    const { attributes } = stamp;
    this.runId = String(attributes[ATTR.RUN_ID]);
    this.jobName = String(attributes[ATTR.JOB_NAME]);
    this.clientSpanName = `${this.jobName} client`;
    this.origin = String(attributes[ATTR.RUN_ORIGIN]);
    this.#counts = core.counts.of(this.runId, this.origin);
    this.span = span;
    this.scope = { run: this, stamp };
    const place = new RunContext(parent, this.scope, new RunBaggage(parent, attributes));
    place.activate(span);
    this.context = place;
    this.joinedClient =
      joined === undefined ? undefined : this.#joinClient(joined.identity, this.context, {});
  }

  /** Begins a job run where the caller is, as a run of its own even inside another. */
  static async start(core: Core, name: unknown, options: JobOptions): Promise<JobRun> {
    const prepared = prepare(core, name, options);
    const { before, request } = prepared;
    const claim: Claim =
      before === undefined ? await core.claims.claim(request) : { status: 'claimed', runId: before.runId };
    return JobRun.#make(core, name, options, prepared, claim);
  }

  /** The same at once, for work that cannot wait: nobody is asked whether the ID is free. */
  static startNow(core: Core, name: unknown, options: JobOptions): JobRun {
    const prepared = prepare(core, name, options);
    const { before, request } = prepared;
    const claim: Claim = { status: 'unclaimed', runId: before?.runId ?? request.runId };
    return JobRun.#make(core, name, options, prepared, claim);
  }

  static #make(
    core: Core,
    name: unknown,
    options: JobOptions,
    { limits, parent, span, before, request }: ReturnType<typeof prepare>,
    claim: Claim,
  ): JobRun {
    const { job: jobName, origin, startTime, externalId } = request;
    const { runId, earlier } = claim;
    const attempt = isCount(options.attempt)
      ? options.attempt
      : (before ?? earlier ?? { attempt: 0 }).attempt + 1;
    if (claim.status === 'claimed') core.runIds.note(runId);
    if (externalId !== undefined) core.claims.remember(request, { runId, attempt });
    const stamp = new Stamp({
      [ATTR.RUN_ID]: runId,
      [ATTR.JOB_NAME]: jobName,
      [ATTR.ATTEMPT]: attempt,
      [ATTR.RUN_ORIGIN]: origin,
    });
    span.setAttributes({ ...options.attributes, ...stamp.attributes });
    const subject = `Job run ${runId}`;
    const cancellation = new Cancellation({ subject, ...limits });
    const run = new JobRun({ core, stamp, startTime, attempt, cancellation }, span, parent);
    run.#begin(name, options);
    if (claim.status === 'taken') {
      run.note(
        NOTE.RUN_ID_CONFLICT,
        runId,
        `Another run has the ID ${runId}; the two are kept apart by their origins`,
      );
    }
    if (externalId !== undefined && earlier === undefined) run.#alias(String(externalId));
    return run;
  }

  /** Takes part in a run that began in another process, and tells neither its start nor its end. */
  static join(core: Core, handed: HandedRun, options: JoinOptions): JobRun {
    const { runId, job: jobName, origin } = handed.identity;
    const startTime = now();
    const stamp = new Stamp({
      [ATTR.RUN_ID]: runId,
      [ATTR.JOB_NAME]: jobName,
      [ATTR.ATTEMPT]: 1,
      [ATTR.RUN_ORIGIN]: origin,
    });
    const { parent } = handed;
    const span = core.tracer.startSpan(`${jobName} joined`, { startTime }, traced(parent));
    span.setAttributes(stamp.attributes);
    const subject = `Job run ${runId}`;
    const limits = { parent: signalOf(options), ...limitsOf(options) };
    const cancellation = new Cancellation({ subject, ...limits });
    const run = new JobRun({ core, stamp, startTime, attempt: 1, cancellation }, span, parent, handed);
    core.heartbeat.start(run);
    run.#noteTimeout(options);
    run.beat({ [ATTR.EVENT_LOOP_DELAY_MS]: 0 });
    return run;
  }

  /** Where the code of a joined run runs: in its client's part, if it was handed that. */
  get entrance(): TrackedRun {
    return this.joinedClient ?? this;
  }

  expectClients(clientIds: Iterable<string>): void {
    safely('take the expected clients', () => {
      const given = listClients(clientIds);
      const roster = given.filter((clientId) => this.#isClientId(clientId, 'is not expected'));
      for (let start = 0; start < roster.length; start += MAX_ROSTER) {
        const part = roster.slice(start, start + MAX_ROSTER);
        this.emit({ name: EVENT.RUN_ROSTER, attributes: { [ATTR.CLIENTS_EXPECTED]: part } });
      }
      this.core.delivery.events.hurry();
    });
  }

  async client<T>(
    clientId: string,
    fn: (client: Client) => T | PromiseLike<T>,
    options?: ClientOptions,
  ): Promise<T> {
    const limits = options ?? {};
    const pacing = this.core.delivery.pace();
    if (pacing !== undefined) await pacing;
    const client = this.#tryStartClient(clientId, limits);
    if (client === undefined) return this.#untracked(clientId, fn, limits);
    const settled = await superviseClient(client, fn);
    this.#endClient(client, settled);
    return resultOf(settled, client.cancellation);
  }

  /**
   * Like `client`, for work that may be synchronous: its result comes back as it came.
   * `conclude` may find out of the result that the client failed after all.
   */
  clientNow<T>(
    clientId: string,
    fn: (client: Client) => T,
    conclude: (client: Client, settled: Settled<unknown>) => Settled<unknown>,
  ): T {
    const client = this.#tryStartClient(clientId, {});
    if (client === undefined) return fn(untrackedClient(clientId, this, this.signal));
    return observe(
      () => context.with(client.context, fn, undefined, client),
      (settled) => {
        client.finish(conclude(client, settled));
        this.#closeClient(client);
      },
    );
  }

  async clients<T>(
    clientIds: Iterable<string>,
    fn: (client: Client) => T | PromiseLike<T>,
    options?: ClientsOptions,
  ): Promise<ClientResult<T>[]> {
    const roster = listClients(clientIds);
    this.expectClients(roster);
    this.#openLists++;
    try {
      return await runClients(this, roster, fn, options ?? {});
    } finally {
      this.#openLists--;
      this.#stopIfOver();
    }
  }

  /** Numbers an event of this run or of one of its clients, and hands it on. */
  emitFrom(event: RunEvent, { scope, context: emittedIn }: { scope: Scope; context: Context }): void {
    const { resource, instrumentationScope } = this.core.eventSource;
    const timestamp = event.at ?? now();
    const failed = event.failed === true;
    const record: ReadableLogRecord & Stamped = {
      resource,
      instrumentationScope,
      eventName: event.name,
      hrTime: timestamp,
      hrTimeObserved: timestamp,
      severityNumber: failed ? SeverityNumber.ERROR : SeverityNumber.INFO,
      severityText: failed ? 'ERROR' : 'INFO',
      spanContext: trace.getSpanContext(emittedIn) ?? INVALID_SPAN_CONTEXT,
      [STAMP]: scope.stamp,
      attributes: { ...event.attributes, [ATTR.EVENT_SEQUENCE]: this.lifeline.nextEvent() },
      droppedAttributesCount: 0,
      ...(event.body === undefined ? {} : { body: event.body }),
    };
    // Straight into the outbox: a logger would copy every attribute, which is a tenth of what a client run costs.
    this.core.delivery.events.add(record);
  }

  get lifeline(): Lifeline {
    return this.#counts.lifeline;
  }

  get beatOwner(): BeatOwner {
    const { traceId, spanId, traceFlags } = this.span.spanContext();
    return { attributes: { ...this.scope.stamp.attributes, ...this.#promise }, traceId, spanId, traceFlags };
  }

  /** Gives a sign of life for the run and for those of its clients that got on. */
  beat(vitals: Vitals): void {
    safely('give a sign of life', () => {
      const attributes: Attributes = { ...this.beatAttributes(), ...vitals, ...this.#promise };
      this.emit({ name: EVENT.RUN_HEARTBEAT, attributes });
      for (const client of this.#openClients) client.tend();
    });
  }

  /** Tells what the heartbeat thread does not know of. */
  tend(): void {
    safely('tell what changed since the last sign of life', () => {
      this.beatAttributes();
      for (const client of this.#openClients) client.tend();
    });
  }

  /** Ends the run and its open clients, because the process ends. What is joined ends elsewhere, and only tells the error. */
  interrupt({ from, concernsAll, ...ending }: Interruption): void {
    const { status, reason } = ending;
    const cutShort: Ending = { status: 'cancelled', reason };
    const isHere = from?.scope.run === this;
    const hits = (scope: Scope) => concernsAll || (isHere && isWithin(from.scope, scope));
    // Where it was thrown, before the runs around it echo it.
    if (isHere && ending.error !== undefined) this.reportFailure(ending.error.thrown, from);
    for (const client of [...this.#openClients, this.joinedClient].toReversed()) {
      client?.endWithProcess(hits(client.scope) ? ending : cutShort);
    }
    this.#openClients.clear();
    // An error that comes from another run is told there.
    this.endWithProcess(from === undefined || isHere ? ending : { status, reason });
  }

  protected override progressed(progress: Progress): void {
    this.lifeline.progress = progress;
  }

  /** How often a sign of life comes. The start says it elsewhere; a joined process has none. */
  get #promise(): Attributes {
    if (this.endedEvent !== undefined) return {};
    return { [ATTR.HEARTBEAT_INTERVAL_MS]: this.core.heartbeat.intervalMs };
  }

  /** Also ends the clients that a timeout leaves behind. Other open clients live on, and so does the heartbeat. */
  override end(ending: Ending): void {
    if (ending.status === 'timed_out') {
      const { status, reason = '' } = ending;
      for (const client of this.#openClients) {
        client.end({ status, reason, error: { thrown: this.signal.reason as unknown } });
      }
      this.#openClients.clear();
    }
    super.end(ending);
    this.#stopIfOver();
  }

  protected override endAttributes(): Attributes {
    return { [ATTR.EVENT_COUNT]: this.lifeline.events };
  }

  #begin(name: unknown, options: JobOptions): void {
    const { delivery, heartbeat } = this.core;
    const schedule = describeSchedule(options);
    this.emit({
      name: EVENT.RUN_STARTED,
      at: this.startTime,
      attributes: {
        ...options.attributes,
        ...schedule.attributes,
        [ATTR.HEARTBEAT_INTERVAL_MS]: heartbeat.intervalMs,
      },
    });
    heartbeat.start(this);
    // A process that dies at once leaves a trace then.
    delivery.events.hurry();
    // The run has begun: whatever is wrong with what was given, it goes on to its end.
    safely('remark on how a job was started', () => this.#remark(name, options));
    for (const { field, text } of schedule.problems) this.note(NOTE.INVALID_SCHEDULE, field, text);
    const expected = safely('read the expected clients', () => options.expect) ?? undefined;
    if (expected !== undefined) this.expectClients(expected);
  }

  /** Makes the run found by the ID that another system gave it. */
  #alias(externalId: string): void {
    if (this.attempt > 1) {
      const text = `Attempt ${this.attempt} of ${externalId}: the earlier ones are not known, so they are other runs`;
      this.note(NOTE.EARLIER_ATTEMPTS_UNKNOWN, externalId, text);
    }
    const attributes = { [ATTR.ALIAS]: externalId, [ATTR.ALIAS_KIND]: 'external' };
    this.emit({ name: EVENT.RUN_ALIAS, attributes });
  }

  #remark(name: unknown, options: JobOptions): void {
    if (typeof name !== 'string' || name.trim() !== this.jobName) {
      const given = describeValue(name);
      this.note(
        NOTE.INVALID_JOB_NAME,
        'job name',
        `A job's name is 1 to 128 printable characters, not ${given}; it is '${this.jobName}' here`,
      );
    }
    const runId = options.runId ?? this.runId;
    if (runId !== this.runId) {
      const given = describeValue(runId);
      this.note(
        NOTE.INVALID_RUN_ID,
        'run ID',
        `A run ID is YYMMDD-HHMMSS, not ${given}; this run is ${this.runId}`,
      );
    }
    this.#noteTimeout(options);
  }

  // These are apart from `client`, since a closure makes all variables of an asynchronous function around it outlive the call.
  #tryStartClient(clientId: string, options: ClientOptions): ClientRun | undefined {
    return safely('start a client run', () => this.#startClient(clientId, options));
  }

  #endClient(client: ClientRun, settled: Settled<unknown>): void {
    safely('end a client run', () => {
      client.finish(settled);
      this.#closeClient(client);
    });
  }

  #startClient(clientId: string, options: ClientOptions): ClientRun | undefined {
    if (!this.#isClientId(clientId, 'ran untracked')) return undefined;
    this.#noteTimeout(options);
    const { context: parent } = contextWithin(this);
    if (this.joinedClient?.clientId === clientId) {
      const { attempt } = this.joinedClient;
      return this.#joinClient({ clientId, attempt }, parent, clientLimitsOf(options));
    }
    // A further attempt of the job, perhaps in another process than the first, is one of each of its clients.
    const next = Math.max((this.#counts.attempts.get(clientId) ?? 0) + 1, this.attempt);
    const attempt = isCount(options.attempt) ? options.attempt : next;
    this.#counts.attempts.set(clientId, attempt);
    const client = ClientRun.start(this, clientId, attempt, parent, clientLimitsOf(options));
    this.#openClients.add(client);
    // The job itself may be over, and its heartbeat with it.
    this.core.heartbeat.start(this);
    return client;
  }

  #joinClient(
    { clientId, attempt }: Pick<RunIdentity, 'clientId' | 'attempt'>,
    parent: Context,
    limits: ClientOptions,
  ): ClientRun | undefined {
    if (typeof clientId !== 'string') return undefined;
    return ClientRun.join(this, clientId, attempt ?? 1, parent, limits);
  }

  #closeClient(client: ClientRun): void {
    this.#openClients.delete(client);
    this.#stopIfOver();
  }

  /** Between two clients of a list there may be none open; after an abort a list starts no further one. */
  #stopIfOver(): void {
    const goesOn = this.#openClients.size > 0 || (this.#openLists > 0 && !this.signal.aborted);
    if (!this.ended || goesOn) return;
    this.core.heartbeat.stop(this);
    // Nobody counts on with so many; a late client of a small run still gets its next attempt.
    if (this.#counts.attempts.size > MOST_ATTEMPTS_KEPT) this.#counts.attempts.clear();
  }

  #isClientId(clientId: unknown, consequence: string): clientId is string {
    const check = checkClientId(clientId);
    if (check.status === 'ok') return true;
    this.note(NOTE.INVALID_CLIENT_ID, 'client id', `${check.reason} It ${consequence}.`);
    return false;
  }

  /** Work for somebody who is no client is still done, with its limits, and counted nowhere. */
  async #untracked<T>(
    clientId: unknown,
    fn: (client: Client) => T | PromiseLike<T>,
    options: ClientOptions,
  ): Promise<T> {
    const limits = { parent: this.signal, subject: 'A client', ...clientLimitsOf(options) };
    const cancellation = new Cancellation(limits);
    const client = untrackedClient(clientId, this, cancellation.signal);
    const settled = await supervise(
      () => fn(client),
      cancellation,
      () => undefined,
    );
    cancellation.release();
    return resultOf(settled, cancellation);
  }

  #noteTimeout({ timeoutMs }: Limits): void {
    if ((timeoutMs ?? undefined) === undefined || isTimeout(timeoutMs)) return;
    const text = `A timeout is 1 to ${LONGEST_TIMER_MS} ms, not ${describeValue(timeoutMs)}; there is none`;
    this.note(NOTE.INVALID_TIMEOUT, 'timeoutMs', text);
  }
}

function superviseClient<T>(
  client: ClientRun,
  fn: (client: Client) => T | PromiseLike<T>,
): Promise<Settled<T>> {
  const work = () => context.with(client.context, fn, undefined, client);
  return supervise(work, client.cancellation, () => client.settledLate());
}

/** Reads what a run is started with, and begins its span. */
function prepare(core: Core, name: unknown, options: JobOptions) {
  const startTime = now();
  // All that is given is read here: what throws must throw before anybody has heard of the run.
  const limits = { parent: signalOf(options), ...limitsOf(options) };
  const jobName = nameOfJob(name);
  const parent = withoutScope(context.active());
  const span = core.tracer.startSpan(
    jobName,
    { startTime, attributes: { [ATTR.JOB_NAME]: jobName, [ATTR.SPAN_KIND]: SPAN_KIND.JOB_RUN } },
    traced(parent),
  );
  const before = options.retryOf instanceof JobRun ? options.retryOf : undefined;
  const externalId = options.externalId ?? undefined;
  const newOrigin =
    externalId === undefined ? originOf(span, parent) : originOfExecution(jobName, String(externalId));
  const origin = before?.origin ?? newOrigin;
  const runId = core.runIds.take(options.runId, toEpochMs(startTime));
  const isGiven = runId === options.runId;
  const request: ClaimRequest = { job: jobName, runId, isGiven, origin, startTime, externalId };
  return { limits, parent, span, before, request };
}

/** Whether a place in a run is in another one, or is it. */
function isWithin(inner: Scope, outer: Scope): boolean {
  for (let scope: Scope | undefined = inner; scope !== undefined; scope = scope.outer) {
    if (scope === outer) return true;
  }
  return false;
}

/**
 * What tells this run apart from another with the same ID: its trace, if that is its own. Below a span of somebody else's
 * (a TRACEPARENT that an orchestrator gave several jobs, a job inside a job) many runs may share the trace.
 */
function originOf(span: Span, parent: Context): string {
  const above = trace.getSpanContext(parent);
  const isRoot = above === undefined || !isSpanContextValid(above);
  return isRoot ? span.spanContext().traceId : randomBytes(16).toString('hex');
}

function limitsOf({ timeoutMs, graceMs }: Limits): Limits {
  if (!isTimeout(timeoutMs)) return {};
  return { timeoutMs, ...(isTimeout(graceMs) || graceMs === 0 ? { graceMs } : {}) };
}

function clientLimitsOf(options: ClientOptions): ClientOptions {
  const signal = signalOf(options);
  return { ...limitsOf(options), ...(signal === undefined ? {} : { signal }) };
}

/** What is no signal cannot cancel anything; without one the job runs all the same. */
function signalOf({ signal }: JoinOptions): AbortSignal | undefined {
  const given = signal ?? undefined;
  if (given === undefined || isSignal(given)) return given;
  sdkLog.warn(`A signal is an AbortSignal, not ${describeValue(given)}; nothing cancels it`);
  return undefined;
}

/** Also one of another realm, or of a polyfill. */
function isSignal(value: Partial<AbortSignal>): boolean {
  return typeof value.aborted === 'boolean' && typeof value.addEventListener === 'function';
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function isTimeout(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= LONGEST_TIMER_MS;
}
