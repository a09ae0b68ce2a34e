/** Finds out which run a row is about. */

import { hash } from 'node:crypto';
import { checkClientId, convertToStandardFormat } from '@rollcall/semconv';

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
  const named = nameRun(job, base);
  if (named.status === 'refused') return { field: 'runId', value: legacyId, ...named };
  const { runId, origin, idNs } = named;
  const clientId = given.clientId === '' ? named.clientId : given.clientId;
  const fault = clientFault(clientId, named.clientId, legacyId);
  if (fault !== null) return { status: 'refused', field: 'clientId', value: given.clientId, reason: fault };
  const isSuffixed = clientId !== null && (base !== legacyId || named.clientId !== null);
  const standardId = isSuffixed ? `${runId}-${clientId}` : runId;
  const alias = legacyId === standardId ? null : legacyId;
  const aliasClientId = isSuffixed ? clientId : null;
  return { status: 'ok', job, runId, clientId, origin, idNs, alias, aliasClientId };
}

type NamedRun =
  | { status: 'ok'; runId: string; clientId: string | null; origin: string; idNs: bigint }
  | { status: 'refused'; reason: string };

let latest: { job: string; id: string; run: NamedRun } | undefined;

/** The rows of one run mostly stand together, so the latest answer often serves again. */
function nameRun(job: string, id: string): NamedRun {
  if (latest?.id !== id || latest.job !== job) latest = { job, id, run: nameAnew(job, id) };
  return latest.run;
}

function nameAnew(job: string, id: string): NamedRun {
  const converted = convertToStandardFormat(id);
  if (converted.status === 'refused') return converted;
  const { runId, clientId, form, lossy } = converted;
  // What Apify wrapped is a run ID already, and names that run.
  const key = lossy && form !== 'apify-wrapped' ? withoutClient(id, clientId ?? '') : runId;
  const origin = hash('sha256', `${job}\0${key}`, 'hex').slice(0, 32);
  return { status: 'ok', runId, clientId, origin, idNs: secondOf(runId) };
}

/** Parsing it again would cost a tenth of the whole import. */
function secondOf(runId: string): bigint {
  const part = (at: number): number => Number(runId.slice(at, at + 2));
  return BigInt(Date.UTC(2000 + part(0), part(2) - 1, part(4), part(7), part(9), part(11))) * 1_000_000n;
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
