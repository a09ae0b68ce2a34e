/** Tracks batch jobs and their clients: runs, numbers and failures, told to Rollcall over OpenTelemetry. */
export type { LogSource, OtlpProtocol, RollcallOptions } from './config.ts';
export { count, currentClient, currentRun, last, max, min, step } from './run/current.ts';
export type {
  Client,
  ClientOptions,
  ClientResult,
  ClientsOptions,
  JobOptions,
  JoinOptions,
  Run,
  Schedule,
  Step,
} from './run/handles.ts';
export { defineConfig, type RollcallConfig } from './register/rollcall-config.ts';
export {
  injectRun,
  runContextToEnv,
  type Carrier,
  type HeadersLike,
  type RunIdentity,
} from './run/handed-run.ts';
export {
  job,
  joinRun,
  runFromCarrier,
  runFromHeaders,
  startRollcall,
  type JoinedFrom,
  type Rollcall,
} from './start.ts';
export { TrackingError, type TrackingErrorCategory, type TrackingErrorCode } from './services/errors.ts';
export type {
  ClientIncrements,
  ClientMetrics,
  JobMetrics,
  JobMetricsService,
} from './services/job-metrics-service.ts';
export type {
  ClientRunUpdates,
  JobRunUpdates,
  JobTrackingRepository,
  NewClientRunData,
  NewJobRun,
  RunQuery,
} from './services/job-tracking-repository.ts';
export type { TrackingLogger } from './services/logger.ts';
export type { MetricValue, MetricValues } from './services/metric-values.ts';
export type {
  AliasRecord,
  ClientRunRecord,
  JobRunRecord,
  JobRunSummary,
  MetricRecord,
  MetricRefusal,
  Page,
  Stored,
  Tracked,
  Unconfirmed,
} from './services/records.ts';
export { captureConsole } from './logs/console.ts';
export { logContext, type LogContext } from './logs/log-context.ts';
export { capturePino } from './logs/pino.ts';
export { captureWinston, type WinstonLike } from './logs/winston.ts';
export { flushSpools, type FlushOptions, type SpoolsFlushed } from './spool/flush-spools.ts';
export { unifiedRunIdService } from './services/run-id-service.ts';
export {
  createTrackingServices,
  flushTrackingSpool,
  jobMetricsService,
  unifiedJobTrackingRepository,
  type TrackingOptions,
  type TrackingServices,
} from './services/tracking-services.ts';
export {
  defineMetrics,
  HERITAGE_METRICS,
  normalizeMetricName,
  type MetricDeclaration,
  type MetricDefinition,
  type MetricReading,
} from '@rollcall/semconv';
