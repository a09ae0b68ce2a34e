/** Reads failures by their kind. */

import type { Verdict } from '@rollcall/semconv';
import { iso } from '../reader/read-run.ts';
import type { Reader } from '../reader/reader.ts';
import type { Buckets } from './since.ts';

export interface FailureFilter {
  readonly job: string;
  readonly client: string;
  readonly project: string;
  readonly sinceMs: number;
  /** The beginning of a fingerprint; empty for all. */
  readonly fingerprint: string;
}

/** Failures that share a fingerprint, within the time that was asked for unless it says otherwise. */
export interface FailureGroup {
  readonly project: string;
  readonly job: string;
  readonly fingerprint: string;
  readonly errorType: string;
  /** The latest. */
  readonly message: string;
  readonly steps: readonly string[];
  readonly occurrences: number;
  readonly runs: number;
  /** Those hit most first. */
  readonly clients: readonly { readonly clientId: string; readonly occurrences: number }[];
  /** Ever. */
  readonly firstSeen: string;
  /** The run in which it was first seen, ever. */
  readonly firstBadRun: string;
  readonly lastSeen: string;
  readonly lastBadRun: string;
  /** First seen since midnight, UTC. */
  readonly isNew: boolean;
  /** How many runs of the job have begun since the last one that it hit. */
  readonly runsSince: number;
  /** How often, per part of the time; the last part is the present one. */
  readonly trend: readonly number[];
}

/** More are hardly read, and would make the answer large. */
const MOST_GROUPS = 1_000;
/** Nobody looks for failures of a run that goes on longer than this. */
const LONGEST_RUN_MS = 31 * 86_400_000;

const MATCHING = `run_id >= {sinceRun:String} AND occurred_at >= fromUnixTimestamp64Milli({sinceMs:Int64}, 'UTC')
    AND ({project:String} = '' OR project_id = {project:String}) AND ({job:String} = '' OR job_name = {job:String})
    AND ({client:String} = '' OR client_id = {client:String}) AND startsWith(fingerprint, {fingerprint:String})`;

function parametersOf({ sinceMs, ...filter }: FailureFilter): Record<string, string | number> {
  return { ...filter, sinceMs, sinceRun: runIdAt(sinceMs - LONGEST_RUN_MS) };
}

/** The run ID of a run that begins at this time: run IDs sort by time. */
export function runIdAt(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, '$1$2$3-$4$5$6');
}

/** New ones first, then those that hit most clients. */
export async function readGroups(
  reader: Reader,
  filter: FailureFilter,
  { fromMs, bucketMs, count }: Buckets,
): Promise<FailureGroup[]> {
  const rows = await reader.rows<
    Omit<FailureGroup, 'clients' | 'isNew' | 'runsSince'> & { isNew: number; counted: [string[], number[]] }
  >(
    `SELECT seen.project_id AS project, seen.job_name AS job, seen.fingerprint AS fingerprint, seen.error_type AS errorType, seen.message AS message, seen.steps AS steps,
        seen.occurrences AS occurrences, seen.runs AS runs, seen.counted AS counted,
        ${iso('first_seen')} AS firstSeen, if(ever.first_run = '', seen.first_run, ever.first_run) AS firstBadRun, ${iso('seen.last_seen')} AS lastSeen, seen.last_run AS lastBadRun,
        first_seen >= toDateTime64(toStartOfDay(now('UTC'), 'UTC'), 9, 'UTC') AS isNew, seen.trend AS trend,
        -- What has only just come in may not be rolled up yet.
        if(ever.first_run = '', seen.first_seen, least(ever.first_seen, seen.first_seen)) AS first_seen
     FROM
     (
        SELECT project_id, job_name, fingerprint, argMax(failures.error_type, occurred_at) AS error_type, leftUTF8(argMax(failures.error_message, occurred_at), 1000) AS message,
            arraySort(groupUniqArrayIf(20)(step, step != '')) AS steps, toUInt32(count()) AS occurrences, toUInt32(uniqExact(run_id, origin)) AS runs,
            sumMapIf([client_id], [toUInt32(1)], client_id != '') AS counted, min(occurred_at) AS first_seen, argMin(run_id, occurred_at) AS first_run, max(occurred_at) AS last_seen, argMax(run_id, occurred_at) AS last_run,
            sumMap([toInt32(intDiv(toUnixTimestamp64Milli(toDateTime64(occurred_at, 3, 'UTC')) - {fromMs:Int64}, {bucketMs:Int64}))], [toUInt32(1)]) AS hits,
            arrayMap(part -> toUInt32(arraySum((at, hit) -> if(at = part, hit, 0), hits.1, hits.2)), range({count:UInt32})) AS trend
        FROM failures
        WHERE ${MATCHING}
        GROUP BY project_id, job_name, fingerprint
        ORDER BY last_seen DESC
        LIMIT ${MOST_GROUPS}
     ) AS seen
     LEFT JOIN
     (
        SELECT project_id, job_name, fingerprint, min(summaries.first_seen) AS first_seen, argMin(run_id, summaries.first_seen) AS first_run
        FROM failure_summaries AS summaries FINAL
        WHERE startsWith(fingerprint, {fingerprint:String})
        GROUP BY project_id, job_name, fingerprint
     ) AS ever ON ever.project_id = seen.project_id AND ever.job_name = seen.job_name AND ever.fingerprint = seen.fingerprint`,
    { ...parametersOf(filter), fromMs, bucketMs, count },
  );
  const later = await readRunIds(reader, filter, rows);
  return rows
    .map(({ counted: [ids, counts], isNew, ...row }) => ({
      ...row,
      isNew: isNew === 1,
      clients: ids
        .map((clientId, index) => ({ clientId, occurrences: counts[index] ?? 0 }))
        .toSorted((a, b) => b.occurrences - a.occurrences),
      runsSince: (later.get(`${row.project}\n${row.job}`) ?? []).filter((runId) => runId > row.lastBadRun)
        .length,
    }))
    .toSorted(
      (a, b) =>
        Number(b.isNew) - Number(a.isNew) ||
        b.clients.length - a.clients.length ||
        b.occurrences - a.occurrences,
    );
}

async function readRunIds(
  reader: Reader,
  { project }: FailureFilter,
  groups: readonly { readonly lastBadRun: string; readonly job: string }[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (groups.length === 0) return new Map();
  const earliest = groups.reduce((least, { lastBadRun }) => (lastBadRun < least ? lastBadRun : least), '9');
  const rows = await reader.rows<{ project: string; job: string; runIds: string[] }>(
    `SELECT project_id AS project, job_name AS job, groupUniqArray(run_id) AS runIds FROM run_summaries
     WHERE run_id > {earliest:String} AND job_name IN {jobs:Array(String)} AND ({project:String} = '' OR project_id = {project:String})
     GROUP BY project_id, job_name`,
    { earliest, project, jobs: [...new Set(groups.map(({ job }) => job))] },
  );
  return new Map(rows.map((row) => [`${row.project}\n${row.job}`, row.runIds]));
}

/** Client runs that left no error, and want attention all the same. */
export async function readWithoutError(
  reader: Reader,
  { project, job, client, sinceMs }: FailureFilter,
): Promise<{ verdict: Verdict; clients: number; lastRunId: string }[]> {
  return reader.rows(
    `SELECT verdict, toUInt32(uniqExact(client_id)) AS clients, max(run_id) AS lastRunId
     FROM client_runs
     WHERE run_id >= {sinceRun:String} AND verdict IN ('lost', 'never_started')
       AND ({project:String} = '' OR project_id = {project:String}) AND ({job:String} = '' OR job_name = {job:String}) AND ({client:String} = '' OR client_id = {client:String})
     GROUP BY verdict ORDER BY verdict`,
    { project, job, client, sinceRun: runIdAt(sinceMs) },
  );
}

/** One group, told whole. */
export interface FailureGroupDetail {
  readonly group: FailureGroup;
  /** The latest that there is. */
  readonly stacktrace: string;
  readonly messages: readonly { readonly message: string; readonly occurrences: number }[];
  /** Those hit last first. */
  readonly clients: readonly {
    readonly clientId: string;
    readonly occurrences: number;
    readonly runs: number;
    readonly firstRunId: string;
    readonly lastRunId: string;
    /** How its latest run of this job ended. */
    readonly latestVerdict: Verdict | null;
    readonly latestRunId: string | null;
  }[];
  /** The newest first, at most 20. */
  readonly runs: readonly {
    readonly runId: string;
    readonly occurrences: number;
    readonly clients: number;
    readonly verdict: Verdict | null;
  }[];
  /** The run of the job before the first bad one; null where there is none. */
  readonly runBefore: string | null;
}

export async function readGroup(
  reader: Reader,
  group: FailureGroup,
  filter: FailureFilter,
): Promise<FailureGroupDetail> {
  const parameters = parametersOf({
    ...filter,
    project: group.project,
    job: group.job,
    fingerprint: group.fingerprint,
  });
  const [details] = await reader.rows<{ stacktrace: string; counted: [string[], number[]] }>(
    `SELECT argMax(failures.stacktrace, (failures.stacktrace != '', occurred_at)) AS stacktrace, sumMap([leftUTF8(error_message, 300)], [toUInt32(1)]) AS counted
     FROM failures WHERE ${MATCHING}`,
    parameters,
  );
  const [texts = [], counts = []] = details?.counted ?? [];
  const clients = await reader.rows<FailureGroupDetail['clients'][number]>(
    `SELECT hit.client_id AS clientId, hit.occurrences AS occurrences, hit.runs AS runs, hit.first_run AS firstRunId, hit.last_run AS lastRunId,
        if(latest.run = '', NULL, latest.verdict) AS latestVerdict, if(latest.run = '', NULL, latest.run) AS latestRunId
     FROM
     (
        SELECT client_id, toUInt32(count()) AS occurrences, toUInt32(uniqExact(run_id, origin)) AS runs, min(run_id) AS first_run, max(run_id) AS last_run
        FROM failures WHERE ${MATCHING} AND client_id != ''
        GROUP BY client_id
     ) AS hit
     LEFT JOIN
     (
        SELECT client_id, max(run_id) AS run, argMax(client_history.verdict, run_id) AS verdict
        FROM client_history
        WHERE project_id = {project:String} AND job_name = {job:String} AND run_id >= {sinceRun:String} AND client_history.verdict != 'pending'
        GROUP BY client_id
     ) AS latest ON latest.client_id = hit.client_id
     ORDER BY lastRunId DESC, occurrences DESC, clientId`,
    parameters,
  );
  const runs = await reader.rows<FailureGroupDetail['runs'][number]>(
    `SELECT hit.run_id AS runId, hit.occurrences AS occurrences, hit.clients AS clients, nullIf(run.verdict, '') AS verdict
     FROM
     (
        SELECT run_id, origin, toUInt32(count()) AS occurrences, toUInt32(uniqExactIf(client_id, client_id != '')) AS clients
        FROM failures WHERE ${MATCHING}
        GROUP BY run_id, origin ORDER BY run_id DESC LIMIT 20
     ) AS hit
     LEFT JOIN
     (
        SELECT run_id, origin, verdict FROM job_runs WHERE project_id = {project:String} AND job_name = {job:String} AND run_id >= {sinceRun:String}
     ) AS run ON run.run_id = hit.run_id AND run.origin = hit.origin
     ORDER BY runId DESC`,
    parameters,
  );
  const [before] = await reader.rows<{ runId: string }>(
    `SELECT max(run_id) AS runId FROM run_summaries
     WHERE project_id = {project:String} AND job_name = {job:String} AND run_id < {firstBadRun:String}`,
    { ...parameters, firstBadRun: group.firstBadRun },
  );
  return {
    group,
    stacktrace: details?.stacktrace ?? '',
    messages: texts
      .map((message, index) => ({ message, occurrences: counts[index] ?? 0 }))
      .toSorted((a, b) => b.occurrences - a.occurrences)
      .slice(0, 10),
    clients,
    runs,
    runBefore: before === undefined || before.runId === '' ? null : before.runId,
  };
}
