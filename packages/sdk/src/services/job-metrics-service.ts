/** Reports the numbers of job runs and client runs. */
import { checkFields, checkIsObject, readJobType, readSubject, type Subject } from './arguments.ts';
import { TrackingError } from './errors.ts';
import type { JobTrackingRepository, StatusText } from './job-tracking-repository.ts';
import type { MetricValues } from './metric-values.ts';
import type { ClientRunRecord, JobRunRecord, Tracked } from './records.ts';
import type { CallOptions, ServiceCore } from './service-core.ts';

export interface JobMetrics extends CallOptions {
  runId: string;
  /** By name; spelling is normalised, zeros count, `undefined` says nothing. */
  metrics: MetricValues;
  /** The job's name, where this process did not create the run: what a missing record is made from. */
  jobType?: string;
}

export interface ClientMetrics extends JobMetrics {
  clientId: string;
}

export interface ClientIncrements extends ClientMetrics {
  /** The same key again adds nothing. Made for each call unless given, so that its own retries never add twice. */
  idempotencyKey?: string;
}

interface Completing {
  /** Default `completed`. */
  status?: StatusText;
  reason?: string;
  error?: { type: string; message: string; stacktrace?: string };
  endedAt?: Date | string;
}

/** Metrics that a completion may leave out. */
type Final<Metrics extends JobMetrics> = Omit<Metrics, 'metrics'> & { metrics?: MetricValues } & Completing;

/** All methods take one object, await durable acceptance and return the stored record. */
export interface JobMetricsService {
  /** Current totals of a client run: saying them again changes nothing, names left out keep their value. */
  updateClientMetrics(given: ClientMetrics): Promise<Tracked<ClientRunRecord>>;
  /** Adds to sums of a client run. */
  incrementClientMetrics(given: ClientIncrements): Promise<Tracked<ClientRunRecord>>;
  /** Last totals, then the end of the client run. */
  completeClientMetrics(given: Final<ClientMetrics>): Promise<Tracked<ClientRunRecord>>;
  /** Totals of the job run itself, beside those of its clients, which add up without being told. */
  updateJobAggregateMetrics(given: JobMetrics): Promise<Tracked<JobRunRecord>>;
  /** Last totals, then the end of the job run. */
  completeJobMetrics(given: Final<JobMetrics>): Promise<Tracked<JobRunRecord>>;
}

const FIELDS = ['runId', 'metrics', 'jobType', 'signal'];
const END_FIELDS = ['status', 'reason', 'error', 'endedAt'];

export function createJobMetricsService(
  core: ServiceCore,
  repository: JobTrackingRepository,
): JobMetricsService {
  return {
    updateClientMetrics: async (given) =>
      core.track(async () => {
        const { subject, job, metrics } = read('updateClientMetrics', given, ['clientId'], true);
        return core.sendMetrics<ClientRunRecord>({ action: 'metrics', ...subject, job }, metrics, given);
      }),
    incrementClientMetrics: async (given) =>
      core.track(async () => {
        const { subject, job, metrics } = read(
          'incrementClientMetrics',
          given,
          ['clientId', 'idempotencyKey'],
          true,
        );
        const call = { action: 'metrics/increment', ...subject, job, key: given.idempotencyKey } as const;
        return core.sendMetrics<ClientRunRecord>(call, metrics, given);
      }),
    completeClientMetrics: async (given) =>
      core.track(async () => {
        read('completeClientMetrics', { metrics: {}, ...given }, ['clientId', ...END_FIELDS], true);
        return repository.completeClientRunRecord(given);
      }),
    updateJobAggregateMetrics: async (given) =>
      core.track(async () => {
        const { subject, job, metrics } = read('updateJobAggregateMetrics', given, [], false);
        return core.sendMetrics<JobRunRecord>({ action: 'metrics', ...subject, job }, metrics, given);
      }),
    completeJobMetrics: async (given) =>
      core.track(async () => {
        read('completeJobMetrics', { metrics: {}, ...given }, END_FIELDS, false);
        return repository.completeJobTrackingRecord(given);
      }),
  };
}

function read(
  name: string,
  given: JobMetrics & { clientId?: unknown },
  more: readonly string[],
  isClient: boolean,
): { subject: Subject; job: string | undefined; metrics: MetricValues } {
  checkIsObject(name, given);
  const subject = readSubject(
    name,
    isClient ? { runId: given.runId, clientId: given.clientId ?? null } : { runId: given.runId },
  );
  checkFields(name, given, [...FIELDS, ...more], subject);
  const { metrics, jobType } = given;
  if (typeof metrics !== 'object' || metrics === null || Array.isArray(metrics) || 'then' in metrics) {
    const message = `${name} needs metrics, an object of names and numbers.`;
    throw new TrackingError('invalid_request', message, { recovery: 'Nothing was sent.', ...subject });
  }
  return { subject, job: jobType === undefined ? undefined : readJobType(name, jobType), metrics };
}
