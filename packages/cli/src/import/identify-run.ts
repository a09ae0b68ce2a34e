/** Finds out which run a row is about. */

import { hash } from 'node:crypto';
import { checkClientId, convertToStandardFormat, parseRunId } from '@rollcall/semconv';

/** The run that a row is about. */
export interface RunIdentity {
  readonly job: string;
  readonly runId: string;
  /** null for a row of the job run itself. */
  readonly clientId: string | null;
  /** Stands where a live run has its trace ID: 32 hex digits, the same at every import. */
  readonly origin: string;
  /** The second that the run ID names, in nanoseconds since 1970. */
  readonly idNs: bigint;
  /** The old ID, where it is another than the new one. */
  readonly alias: string | null;
  /** The client that the alias names, null where it names the job run. */
  readonly aliasClientId: string | null;
}

export type Identified =
  | ({ readonly status: 'ok' } & RunIdentity)
  | {
      readonly status: 'refused';
      readonly field: 'runId' | 'clientId' | 'job';
      readonly value: string;
      readonly reason: string;
    };

// What ingest takes as a job's name.
const JOB_NAME = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,128}$/u;

/**
 * Converts the old ID, and says whose run it is.
 * The origin is made of the job and of what the old ID says about the run, so that the rows of a job run and of its
 * clients meet, two runs that started in one second stay two, and importing again names the same runs again.
 */
export function identifyRun(given: { runId: string; clientId: string; job: string }): Identified {
  const job = given.job.trim();
  if (!JOB_NAME.test(job)) return refuseJob(job);
  const legacyId = given.runId.trim();
  const base = withoutClient(legacyId, given.clientId);
  const converted = convertToStandardFormat(base);
  if (converted.status === 'refused') {
    return { status: 'refused', field: 'runId', value: legacyId, reason: converted.reason };
  }
  const { runId, form, lossy } = converted;
  const clientId = given.clientId === '' ? converted.clientId : given.clientId;
  const fault = clientFault(clientId, converted.clientId, legacyId);
  if (fault !== null) return { status: 'refused', field: 'clientId', value: given.clientId, reason: fault };
  // What Apify wrapped is a run ID already, and names that run.
  const key = lossy && form !== 'apify-wrapped' ? withoutClient(base, converted.clientId ?? '') : runId;
  const isSuffixed = clientId !== null && (base !== legacyId || converted.clientId !== null);
  const standardId = isSuffixed ? `${runId}-${clientId}` : runId;
  const parsed = parseRunId(runId);
  return {
    status: 'ok',
    job,
    runId,
    clientId,
    origin: hash('sha256', `${job}\0${key}`, 'hex').slice(0, 32),
    idNs: parsed.status === 'ok' ? BigInt(parsed.startedAt.getTime()) * 1_000_000n : 0n,
    alias: legacyId === standardId ? null : legacyId,
    aliasClientId: isSuffixed ? clientId : null,
  };
}

/** `<legacy id>-<client>`: the suffix would be taken for a part of the legacy ID. */
function withoutClient(id: string, clientId: string): string {
  return clientId !== '' && id.endsWith(`-${clientId}`) ? id.slice(0, -clientId.length - 1) : id;
}

function clientFault(clientId: string | null, inId: string | null, legacyId: string): string | null {
  if (clientId === null) return null;
  const check = checkClientId(clientId);
  if (check.status === 'refused') return check.reason;
  if (inId === null || inId === clientId) return null;
  return `The run ID ${JSON.stringify(legacyId)} belongs to the client ${JSON.stringify(inId)}; both must name one client.`;
}

function refuseJob(job: string): Identified {
  const reason =
    job === ''
      ? "The row names no job; add --job NAME, or a column 'Job Type'."
      : 'A job has a name of 1 to 128 printable characters.';
  return { status: 'refused', field: 'job', value: job, reason };
}
