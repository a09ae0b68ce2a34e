/** Tracks batch jobs and their clients: runs, numbers and failures, told to Rollcall over OpenTelemetry. */
export type { OtlpProtocol, RollcallOptions } from './config.ts';
export { count, currentClient, currentRun, last, max, min, step } from './run/current.ts';
export type {
  Client,
  ClientOptions,
  ClientResult,
  ClientsOptions,
  JobOptions,
  Run,
  Step,
} from './run/handles.ts';
export { job, startRollcall, type Rollcall } from './start.ts';
