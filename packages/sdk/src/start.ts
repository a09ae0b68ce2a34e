/** Starts the SDK. */
import { diag, DiagConsoleLogger } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { MetricProducer } from '@opentelemetry/sdk-metrics';
import { TracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { ATTR } from '@rollcall/semconv';
import { readConfig, type Config, type RollcallOptions } from './config.ts';
import { Delivery } from './delivery/delivery.ts';
import { flushAtExit } from './delivery/exit-flush.ts';
import { safely, sdkLog } from './faults.ts';
import { Heartbeat } from './heartbeat.ts';
import { Odometers } from './metrics/odometers.ts';
import { hasTracerProvider, registerMissing } from './otel/globals.ts';
import { describeProducer } from './otel/resource.ts';
import { RunSampler } from './otel/run-sampler.ts';
import { StampingLogRecordProcessor } from './otel/stamping-log-processor.ts';
import { StampingSpanProcessor } from './otel/stamping-span-processor.ts';
import type { Core } from './run/core.ts';
import type { JobOptions, Run } from './run/handles.ts';
import { runJob } from './run/job.ts';
import { ReportedErrors } from './run/reported-errors.ts';
import { RunIds } from './run/run-ids.ts';
import { untrackedRun } from './run/untracked.ts';

/** A started SDK. */
export interface Rollcall {
  /** Runs a function as a job run. Returns what it returns, throws what it throws. */
  job<T>(name: string, fn: (run: Run) => T | PromiseLike<T>, options?: JobOptions): Promise<T>;
  /** Delivers what is held, waiting at most `timeoutMs` (5 s). Resolves to whether all of it arrived. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** Flushes and stops. Runs that are still open send nothing more. */
  shutdown(timeoutMs?: number): Promise<void>;
  /** Names this process's telemetry: `service.instance.id`. */
  readonly producerId: string;
  /** For an application's own tracer provider: stamps and delivers its spans that belong to a run. */
  readonly spanProcessor: SpanProcessor;
  /** For an application's own logger provider: stamps and delivers its log records that belong to a run. */
  readonly logRecordProcessor: LogRecordProcessor;
  /** For an application's own MetricReader; with `metricExport: 'reader'` the only way out for run metrics. */
  readonly metricProducer: MetricProducer;
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

function create(config: Config, onShutdown: () => void): Rollcall {
  const resource = describeProducer(config);
  const odometers: Odometers = new Odometers({
    resource,
    scope: SCOPE,
    ...(config.metricExport === 'rollcall' ? { send: (series) => delivery.points.add(series) } : {}),
  });
  const delivery = new Delivery(config, odometers);
  const tracerProvider = new TracerProvider({
    resource,
    sampler: new RunSampler(),
    spanProcessors: [new StampingSpanProcessor(delivery, { onlyRuns: false })],
  });
  const loggerProvider = new LoggerProvider({
    resource,
    processors: [new StampingLogRecordProcessor(delivery, { onlyRuns: false })],
  });
  const core: Core = {
    tracer: tracerProvider.getTracer(SCOPE.name, SCOPE.version),
    logger: loggerProvider.getLogger(SCOPE.name, SCOPE.version),
    odometers,
    delivery,
    heartbeat: new Heartbeat(config.heartbeatIntervalMs),
    errors: new ReportedErrors(),
    runIds: new RunIds(),
  };
  const wanted = config.disabled ? {} : { tracer: tracerProvider, logger: loggerProvider };
  let unregister: (() => void) | undefined;
  const register = (providers: typeof wanted) => {
    unregister ??= registerMissing(providers);
  };
  if (config.registerGlobals) register(wanted);
  const unhook = flushAtExit(delivery);
  return {
    job: async (name, fn, jobOptions) => {
      // By its first job an application has set up what it wants; what a run needs may still be missing.
      safely('register with OpenTelemetry', () => register({}));
      return runJob(core, name, fn, jobOptions);
    },
    flush: async (timeoutMs = FLUSH_MS) => delivery.flush(timeoutMs),
    shutdown: async (timeoutMs = FLUSH_MS) => {
      onShutdown();
      unhook();
      await delivery.flush(timeoutMs);
      delivery.close();
      core.heartbeat.close();
      unregister?.();
    },
    producerId: String(resource.attributes[ATTR.SERVICE_INSTANCE_ID]),
    spanProcessor: new StampingSpanProcessor(delivery, { onlyRuns: true }),
    logRecordProcessor: new StampingLogRecordProcessor(delivery, { onlyRuns: true }),
    metricProducer: odometers,
  };
}

/** Like OpenTelemetry's NodeSDK, prints faults when `OTEL_LOG_LEVEL` is set; an application's own set-up does it itself. */
function listenToDiag({ diagLevel }: Config): void {
  if (hasTracerProvider()) return;
  const logLevel = diagLevel === undefined ? undefined : diagLogLevelFromString(diagLevel);
  if (logLevel !== undefined) {
    diag.setLogger(new DiagConsoleLogger(), { logLevel, suppressOverrideMessage: true });
  }
}
