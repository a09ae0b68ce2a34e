/** The records that the tracking services return. */
import { clientRunId, isValidRunId, type Aggregation, type Verdict } from '@rollcall/semconv';
import type { TrackingError } from './errors.ts';

export interface MetricRecord {
  metric: string;
  aggregation: Aggregation;
  unit: string;
  value: number;
}

export interface AliasRecord {
  alias: string;
  clientId: string | null;
  kind: string;
}

interface CommonRecord {
  project: string;
  job: string;
  /** The job run's ID, without a client's suffix. */
  runId: string;
  attempt: number;
  verdict: Verdict;
  /** What the program said of its end. */
  declaredStatus: string | null;
  reason: string | null;
  /** Times are ISO 8601, UTC. */
  startedAt: string | null;
  endedAt: string | null;
  durationMs: number | null;
  lastSeenAt: string | null;
  progress: { done: number; total: number | null } | null;
  telemetry: 'complete' | 'incomplete';
  error: { type: string; message: string } | null;
  /** Whether it was made from what was known, because the record that it should have followed was not there. */
  recovered: boolean;
}

/** A job run as it is stored. */
export interface JobRunRecord extends CommonRecord {
  /** Trace ID of the job run. */
  origin: string;
  traceId: string;
  /** How many clients there are of each kind: `expected`, `running`, `failed`, … */
  clients: Record<string, number>;
  notes: string[];
  /** How many other runs bear this ID. */
  conflicts: number;
  metrics: (MetricRecord & { clients: number })[];
  aliases: AliasRecord[];
}

/** A job run in a list. */
export type JobRunSummary = Omit<JobRunRecord, 'metrics' | 'aliases'>;

/** A client run as it is stored. */
export interface ClientRunRecord extends CommonRecord {
  clientId: string;
  clientRunId: string;
  expected: boolean;
  relation: 'child' | 'orphan' | 'standalone';
  metrics: MetricRecord[];
}

/** A value that was not stored, and why. */
export interface MetricRefusal {
  subject: string;
  reason: string;
}

interface Telling {
  /** Values of this call that were refused, each with its reason. They are noted on the run as well. */
  refused: MetricRefusal[];
}

/** A page of a list. `trackingError`: it could not be read. */
export interface Page<Row> {
  rows: Row[];
  nextCursor: string | null;
  trackingError: TrackingError | null;
}

/** What is told of a record that is stored. `trackingError`: a flaw of this call; the record is what is stored all the same. */
export type Stored<Kept> = Kept &
  Telling & { stored: true; pending: false; trackingError: TrackingError | null };

/**
 * Stands in for a record that ingest has not confirmed: who it is about, and null for all else.
 * `pending`: it is safe on this machine's disk and will be sent. Otherwise it was not kept, and `trackingError` says why.
 */
export type Unconfirmed<Kept> = {
  [Key in keyof Kept]: Key extends 'runId' | 'clientId' | 'clientRunId' ? string : null;
} & {
  /** The job, where it is known. */
  jobType: string | null;
} & Telling & { stored: false; pending: boolean; trackingError: TrackingError | null };

/** Tell them apart by `stored`; `runId` is there in either case. */
export type Tracked<Kept> = Stored<Kept> | Unconfirmed<Kept>;

const UNKNOWN = {
  project: null,
  job: null,
  attempt: null,
  verdict: null,
  declaredStatus: null,
  reason: null,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  lastSeenAt: null,
  progress: null,
  telemetry: null,
  error: null,
  recovered: null,
  metrics: null,
};
const UNKNOWN_JOB_RUN = {
  origin: null,
  traceId: null,
  clients: null,
  notes: null,
  conflicts: null,
  aliases: null,
};
const UNKNOWN_CLIENT_RUN = { expected: null, relation: null };

/** A record of which only the identity is known. */
export function unconfirmed<Kept>(
  { runId, clientId, job }: { runId: string | null; clientId: string | null; job: string | null },
  telling: { pending: boolean; trackingError: TrackingError | null; refused: MetricRefusal[] },
): Unconfirmed<Kept> {
  const identity = { runId: runId ?? '', jobType: job };
  const record =
    clientId === null
      ? { ...UNKNOWN, ...UNKNOWN_JOB_RUN, ...identity }
      : { ...UNKNOWN, ...UNKNOWN_CLIENT_RUN, ...identity, clientId, clientRunId: suffixed(runId, clientId) };
  return { ...record, ...telling, stored: false } as unknown as Unconfirmed<Kept>;
}

/** An alias has no client's suffix. */
function suffixed(runId: string | null, clientId: string): string {
  return isValidRunId(runId) ? clientRunId(runId, clientId) : '';
}
