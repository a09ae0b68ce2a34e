/** Puts the tracking services together, and keeps the default ones. */
import { join } from 'node:path';
import { defineMetrics, type MetricDefinition } from '@rollcall/semconv';
import { readConfig, type RollcallOptions } from '../config.ts';
import { scopeOf } from '../run/scope.ts';
import { nameOfDestination } from '../spool/destination.ts';
import { CircuitBreaker, type CircuitBreakerOptions } from './circuit-breaker.ts';
import { createJobMetricsService, type JobMetricsService } from './job-metrics-service.ts';
import { createJobTrackingRepository, type JobTrackingRepository } from './job-tracking-repository.ts';
import { diagLogger, type TrackingLogger } from './logger.ts';
import { QualityNotes } from './quality-notes.ts';
import { ServiceCore } from './service-core.ts';
import { TrackingSpool } from './tracking-spool.ts';
import { Tracker } from './tracker.ts';
import { TrackingClient, type RetryOptions } from './tracking-client.ts';

/** What is not given comes from the environment, as for `startRollcall`. */
export interface TrackingOptions extends Pick<
  RollcallOptions,
  'endpoint' | 'apiKey' | 'headers' | 'requestTimeoutMs' | 'spoolDir' | 'disabled'
> {
  /** Declared metrics. Without them every name is accepted as a sum. */
  metrics?: MetricDefinition;
  /** How often and how long a call is tried before it goes to the spool. */
  retry?: RetryOptions;
  /** When ingest counts as dead, and for how long it is left alone then. */
  breaker?: CircuitBreakerOptions;
  /** At most so many bytes wait on disk. Default 64 MiB. */
  spoolMaxBytes?: number;
  /** Takes each trouble once, structured. Default OpenTelemetry's `diag`. */
  logger?: TrackingLogger;
  /** False: a call that is refused does not throw; its record carries the error as `trackingError`. Default true. */
  throwOnError?: boolean;
}

export interface TrackingServices {
  unifiedJobTrackingRepository: JobTrackingRepository;
  jobMetricsService: JobMetricsService;
  /** Sends what waits on disk, that of processes that are gone included. Resolves to whether nothing is left. */
  flushTrackingSpool: () => Promise<boolean>;
}

const SPOOL_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Tracking services of their own, with their own circuit and spool file.
 * @example
 * const { jobMetricsService } = createTrackingServices({ endpoint: 'http://127.0.0.1:4318', throwOnError: false });
 */
export function createTrackingServices(options: TrackingOptions = {}): TrackingServices {
  const config = readConfig(options);
  const { logger: log = diagLogger, metrics: definition = defineMetrics({}), throwOnError = true } = options;
  const enabled = !config.disabled && config.endpoint !== undefined;
  for (const problem of config.problems) log.warn({}, problem);
  const client = new TrackingClient({
    endpoint: config.endpoint ?? new URL('http://127.0.0.1:4318'),
    headers: config.headers,
    requestTimeoutMs: config.requestTimeoutMs,
    breaker: new CircuitBreaker(options.breaker),
    ...(options.retry === undefined ? {} : { retry: options.retry }),
  });
  const spool = new TrackingSpool({
    folder: join(config.spoolDir, nameOfDestination(config)),
    maxBytes: options.spoolMaxBytes ?? SPOOL_MAX_BYTES,
  });
  const tracker = new Tracker({ client, spool, log, enabled, jobOf: jobOfRunAround });
  const core = new ServiceCore({ tracker, notes: new QualityNotes(client), definition, log, throwOnError });
  const repository = createJobTrackingRepository(core);
  return {
    unifiedJobTrackingRepository: repository,
    jobMetricsService: createJobMetricsService(core, repository),
    flushTrackingSpool: async () => tracker.flush(),
  };
}

let started: TrackingServices | undefined;

/** The default ones, which start from the environment at their first use. */
function defaultServices(): TrackingServices {
  started ??= createTrackingServices();
  return started;
}

/** The repository of the default services. */
export const unifiedJobTrackingRepository: JobTrackingRepository = {
  createJobTrackingRecord: async (run) => defaultRepository().createJobTrackingRecord(run),
  updateJobTrackingRecord: async (given) => defaultRepository().updateJobTrackingRecord(given),
  completeJobTrackingRecord: async (given) => defaultRepository().completeJobTrackingRecord(given),
  createClientRunRecord: async (given) => defaultRepository().createClientRunRecord(given),
  updateClientRunRecord: async (given) => defaultRepository().updateClientRunRecord(given),
  completeClientRunRecord: async (given) => defaultRepository().completeClientRunRecord(given),
  getJobTrackingRecord: async (given) => defaultRepository().getJobTrackingRecord(given),
  getClientRunRecord: async (given) => defaultRepository().getClientRunRecord(given),
  listJobTrackingRecords: async (query) => defaultRepository().listJobTrackingRecords(query),
  listClientRunRecords: async (given) => defaultRepository().listClientRunRecords(given),
  relateForeignId: async (given) => defaultRepository().relateForeignId(given),
};

/** The metrics service of the default services. */
export const jobMetricsService: JobMetricsService = {
  updateClientMetrics: async (given) => defaultServices().jobMetricsService.updateClientMetrics(given),
  incrementClientMetrics: async (given) => defaultServices().jobMetricsService.incrementClientMetrics(given),
  completeClientMetrics: async (given) => defaultServices().jobMetricsService.completeClientMetrics(given),
  updateJobAggregateMetrics: async (given) =>
    defaultServices().jobMetricsService.updateJobAggregateMetrics(given),
  completeJobMetrics: async (given) => defaultServices().jobMetricsService.completeJobMetrics(given),
};

/** Sends what waits in the spool of the default services. */
export async function flushTrackingSpool(): Promise<boolean> {
  return defaultServices().flushTrackingSpool();
}

function defaultRepository(): JobTrackingRepository {
  return defaultServices().unifiedJobTrackingRepository;
}

function jobOfRunAround(runId: string): string | undefined {
  const run = scopeOf()?.run;
  return run?.runId === runId ? run.jobName : undefined;
}
