/** Starts the SDK. */
import { isMainThread } from 'node:worker_threads';
import { diag, DiagConsoleLogger } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { ATTR } from '@rollcall/semconv';
import { hasInheritedRun, readConfig, type Config, type RollcallOptions } from './config.ts';
import { Delivery } from './delivery/delivery.ts';
import { flushAtExit } from './delivery/exit-flush.ts';
import { safely, sdkLog } from './faults.ts';
import { Heartbeat } from './heartbeat/heartbeat.ts';
import { keepRest } from './delivery/last-words.ts';
import { captureConsole } from './logs/console.ts';
import { capturePino } from './logs/pino.ts';
import { Odometers } from './metrics/odometers.ts';
import { hasTracerProvider, registerMissing } from './otel/globals.ts';
import { describeProducer } from './otel/resource.ts';
import { RunSampler } from './otel/run-sampler.ts';
import { StampingLogRecordProcessor } from './otel/stamping-log-processor.ts';
import { StampingSpanProcessor } from './otel/stamping-span-processor.ts';
import { Claims } from './run/claims.ts';
import type { Core } from './run/core.ts';
import { ProcessEnd } from './run/process-end.ts';
import {
  runIn,
  runOf,
  type Carrier,
  type HandedRun,
  type HeadersLike,
  type RunIdentity,
} from './run/handed-run.ts';
import type { JobOptions, JoinOptions, Run, Schedule } from './run/handles.ts';
import { emitSchedule } from './run/schedule.ts';
import { JobRun } from './run/job-run.ts';
import { nameOfJob } from './run/job-name.ts';
import { runJob, runJoined } from './run/job.ts';
import { ReportedErrors } from './run/reported-errors.ts';
import { RunIds } from './run/run-ids.ts';
import { adoptedRun, scopeOf } from './run/scope.ts';
import { RunCounts } from './run/shared-counts.ts';
import { untrackedRun } from './run/untracked.ts';
import { telemetryFolder } from './spool/destination.ts';
import { TelemetrySpool } from './spool/telemetry-spool.ts';

/** A started SDK. */
export interface Rollcall {
  /** Runs a function as a job run. Returns what it returns, throws what it throws. */
  job<T>(name: string, fn: (run: Run) => T | PromiseLike<T>, options?: JobOptions): Promise<T>;
  /**
   * Runs a function as a part of a run that began elsewhere: of the given one, else of the one that the process was started under.
   * Where there is none, the function just runs.
   */
  joinRun<T>(
    fn: (run: Run) => T | PromiseLike<T>,
    from?: RunIdentity | JoinedFrom,
    options?: JoinOptions,
  ): Promise<T>;
  /** Says when a job is due before it runs for the first time, so that a start that never comes is missed. `null`: no longer. */
  declareSchedule(jobName: string, schedule: Schedule | null): void;
  /** Delivers what is held, waiting at most `timeoutMs` (5 s). Resolves to whether all of it arrived. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** Flushes and stops. Runs that are still open send nothing more. */
  shutdown(timeoutMs?: number): Promise<void>;
  /** Records of all kinds that ingest has not confirmed yet. */
  readonly backlog: number;
  /** Names this process's telemetry: `service.instance.id`. */
  readonly producerId: string;
  /** For an application's own tracer provider: stamps and delivers its spans that belong to a run. */
  readonly spanProcessor: SpanProcessor;
  /** For an application's own logger provider: stamps and delivers its log records that belong to a run. */
  readonly logRecordProcessor: LogRecordProcessor;
  /** For an application's own MetricReader; with `metricExport: 'reader'` the only way out for run metrics. */
  readonly metricProducer: MetricProducer;
}

/** Where a run may be handed over. */
export interface JoinedFrom {
  headers: HeadersLike;
}

const SCOPE = { name: '@rollcall/sdk', version: '0.1.0' };
const FLUSH_MS = 5_000;
let started: Rollcall | undefined;

/**
 * Starts the SDK, or returns the one that is running: there is one per process.
 * @example
 * const rollcall = startRollcall({ endpoint: 'http://127.0.0.1:4318' });
 * await rollcall.job('nightly_sync', async (run) => run.count('Leads Processed', 10));
 */
export function startRollcall(options?: RollcallOptions): Rollcall {
  if (started !== undefined) {
    if (options !== undefined) sdkLog.warn('Rollcall runs already; the new options are ignored');
    return started;
  }
  const config = readConfig(options);
  listenToDiag(config);
  for (const problem of config.problems) sdkLog.warn(problem);
  started = create(config, () => {
    started = undefined;
  });
  return started;
}

/** Runs a function as a job run of the default SDK, which starts from the environment at its first use. */
export async function job<T>(
  name: string,
  fn: (run: Run) => T | PromiseLike<T>,
  options?: JobOptions,
): Promise<T> {
  const rollcall = safely('start', () => startRollcall());
  return rollcall === undefined ? fn(untrackedRun(name, options?.signal)) : rollcall.job(name, fn, options);
}

/** Takes part in the run that this process was started under, or in the one that is given. */
export async function joinRun<T>(
  fn: (run: Run) => T | PromiseLike<T>,
  from?: RunIdentity | JoinedFrom,
  options?: JoinOptions,
): Promise<T> {
  const rollcall = safely('start', () => startRollcall());
  return rollcall === undefined ? fn(untrackedRun('', options?.signal)) : rollcall.joinRun(fn, from, options);
}

/**
 * For an HTTP handler: takes part in the run that the request's headers name. Without one the function just runs.
 * @example
 * app.post('/score', async (c) => runFromHeaders(c.req.raw.headers, async () => score(await c.req.json())));
 */
export async function runFromHeaders<T>(
  headers: HeadersLike,
  fn: (run: Run) => T | PromiseLike<T>,
  options?: JoinOptions,
): Promise<T> {
  return joinRun(fn, { headers }, options);
}

/** For a queue worker: takes part in the run that `injectRun` put into the message. Without one the function just runs. */
export async function runFromCarrier<T>(
  carrier: Carrier,
  fn: (run: Run) => T | PromiseLike<T>,
  options?: JoinOptions,
): Promise<T> {
  return joinRun(fn, { headers: carrier }, options);
}

/** The run that this process was started under, for code that is in no other. It ends elsewhere, so it is never closed here. */
export function inheritedRun(): JobRun | undefined {
  const adopted = adoptedRun();
  if (adopted !== undefined) return adopted;
  if (!hasInheritedRun()) return undefined;
  const rollcall = safely('start', () => startRollcall());
  return rollcall === undefined ? undefined : internals.get(rollcall)?.inherited();
}

/** What the zero-code registration needs beyond what everybody may use. */
export interface Internals {
  readonly core: Core;
  /** The run that the process was started under. */
  inherited(): JobRun | undefined;
  /** What a run cannot do without is registered with OpenTelemetry, where the application has not done it. */
  register(): void;
}

const internals = new WeakMap<Rollcall, Internals>();

export function internalsOf(rollcall: Rollcall): Internals {
  return internals.get(rollcall)!;
}

function create(config: Config, onShutdown: () => void): Rollcall {
  const resource = describeProducer(config);
  const odometers: Odometers = new Odometers({
    resource,
    scope: SCOPE,
    unitOf: (metric) => config.metrics?.find(metric)?.unit ?? '',
    ...(config.metricExport === 'rollcall' ? { send: (series) => delivery.points.add(series) } : {}),
  });
  const spool = openSpool(config);
  const delivery = new Delivery(config, odometers, spool);
  const tracerProvider = new TracerProvider({
    resource,
    sampler: new RunSampler(),
    spanProcessors: [new StampingSpanProcessor(delivery, { onlyRuns: false })],
  });
  const loggerProvider = new LoggerProvider({
    resource,
    processors: [new StampingLogRecordProcessor(delivery, { onlyRuns: false })],
  });
  const heartbeat: Heartbeat = new Heartbeat({
    config,
    source: { resource: resource.attributes, scope: SCOPE },
    onReached: () => delivery.retry(),
    onOpen: () => processEnd.watchSignals(),
    onRest: () => processEnd.ignoreSignals(),
  });
  const claims = new Claims(config);
  const core: Core = {
    tracer: tracerProvider.getTracer(SCOPE.name, SCOPE.version),
    logger: loggerProvider.getLogger(SCOPE.name, SCOPE.version),
    eventSource: { resource, instrumentationScope: SCOPE },
    logLines: (source) => loggerProvider.getLogger(source),
    odometers,
    delivery,
    heartbeat,
    errors: new ReportedErrors(),
    runIds: new RunIds(),
    claims,
    definition: config.metrics,
    counts: new RunCounts(),
  };
  // A run of its own that starts within the second of its parent's must not make the same ID.
  if (config.inherited !== undefined) core.runIds.note(config.inherited.identity.runId);
  const wanted = config.disabled ? {} : { tracer: tracerProvider, logger: loggerProvider };
  let unregister: (() => void) | undefined;
  const register = (providers: typeof wanted) => {
    unregister ??= registerMissing(providers);
  };
  if (config.registerGlobals) register(wanted);
  const releaseLogs = config.captureLogs.map((source) => CAPTURES[source]());
  const unhook = flushAtExit(delivery, () => claims.isAway);
  const lastWords = { delivery, heartbeat, spool };
  const processEnd = new ProcessEnd({ ...lastWords, handleSignals: config.handleSignals && isMainThread });
  const rollcall: Rollcall = {
    job: async (name, fn, jobOptions) => {
      // By its first job an application has set up what it wants; what a run needs may still be missing.
      safely('register with OpenTelemetry', () => register({}));
      delivery.sendKept();
      const handed = jobOptions?.join === false ? undefined : inheritedFor(name, jobOptions?.runId, config);
      return handed === undefined
        ? runJob(core, name, fn, jobOptions)
        : runJoined(core, handed, (run) => expecting(run, jobOptions, fn), jobOptions);
    },
    joinRun: async (fn, from, joinOptions) => {
      safely('register with OpenTelemetry', () => register({}));
      delivery.sendKept();
      return runJoined(core, handedBy(from, config), fn, joinOptions);
    },
    declareSchedule: (jobName, schedule) => {
      safely('declare a schedule', () => emitSchedule(core, jobName, schedule));
    },
    flush: async (timeoutMs = FLUSH_MS) => delivery.flush(timeoutMs),
    shutdown: async (timeoutMs = FLUSH_MS) => {
      onShutdown();
      unhook();
      for (const release of releaseLogs) release();
      if (!(await delivery.flush(timeoutMs))) safely('keep the rest', () => keepRest(lastWords));
      processEnd.stop();
      delivery.close();
      heartbeat.close();
      unregister?.();
    },
    get backlog() {
      return delivery.backlog;
    },
    producerId: String(resource.attributes[ATTR.SERVICE_INSTANCE_ID]),
    spanProcessor: new StampingSpanProcessor(delivery, { onlyRuns: true }),
    logRecordProcessor: new StampingLogRecordProcessor(delivery, { onlyRuns: true }),
    metricProducer: odometers,
  };
  let inherited: JobRun | undefined;
  internals.set(rollcall, {
    core,
    inherited: () => {
      inherited ??= safely('join the run of the environment', () =>
        config.inherited === undefined ? undefined : JobRun.join(core, config.inherited, {}),
      );
      return inherited;
    },
    register: () => safely('register with OpenTelemetry', () => register({})),
  });
  return rollcall;
}

const CAPTURES = { console: captureConsole, pino: capturePino };

/** Where nothing is sent, nothing is kept. */
function openSpool(config: Config): TelemetrySpool | undefined {
  const { endpoint, disabled, spoolDir, spoolMaxBytes: maxBytes } = config;
  if (disabled || endpoint === undefined || maxBytes === 0) return undefined;
  return new TelemetrySpool({ folder: telemetryFolder(spoolDir, config), endpoint, maxBytes });
}

/** A job joins the run that its process was started under if that is one of the same job; nothing makes a second ID. */
function inheritedFor(
  name: unknown,
  runId: string | undefined,
  { inherited }: Config,
): HandedRun | undefined {
  if (inherited === undefined || scopeOf() !== undefined) return undefined;
  const { identity } = inherited;
  const isSame = nameOfJob(name) === identity.job;
  return isSame && ((runId ?? undefined) === undefined || runId === identity.runId) ? inherited : undefined;
}

async function expecting<T>(
  run: Run,
  options: JobOptions | undefined,
  fn: (run: Run) => T | PromiseLike<T>,
): Promise<T> {
  if (options?.expect !== undefined) run.expectClients(options.expect);
  return fn(run);
}

function handedBy(from: RunIdentity | JoinedFrom | undefined, config: Config): HandedRun | undefined {
  if (from === undefined) return config.inherited;
  return 'headers' in from ? runIn(from.headers) : runOf(from);
}

/** Like OpenTelemetry's NodeSDK, prints faults when `OTEL_LOG_LEVEL` is set; an application's own set-up does it itself. */
function listenToDiag({ diagLevel }: Config): void {
  if (hasTracerProvider()) return;
  const logLevel = diagLevel === undefined ? undefined : diagLogLevelFromString(diagLevel);
  if (logLevel !== undefined) {
    diag.setLogger(new DiagConsoleLogger(), { logLevel, suppressOverrideMessage: true });
  }
}
