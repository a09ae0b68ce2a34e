/** Reads failures across jobs, grouped by kind. */

import type { Engine } from '../store/engine.ts';
import { epochMs, runIdDaysAgo } from './times.ts';

export interface FailureGroup {
  readonly job: string;
  readonly fingerprint: string;
  readonly errorType: string;
  readonly message: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly occurrences: number;
  readonly runs: number;
  readonly clients: number;
  readonly lastRunId: string;
  /** Occurrences per day, the last day last. */
  readonly perDay: number[];
}

export interface FailureGroupQuery {
  readonly job?: string | undefined;
  readonly search?: string | undefined;
  /** Runs that began so many days ago at most. */
  readonly days: number;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Those seen last come first. */
export async function listFailureGroups(
  engine: Engine,
  project: string,
  { job = '', search = '', days, limit, cursor }: FailureGroupQuery,
): Promise<{ groups: FailureGroup[]; nextCursor: string | null }> {
  const skip = Number(cursor ?? 0);
  const rows = await engine.rows<FailureGroup>(
    `SELECT job_name AS job, fingerprint, argMax(error_type, occurred_at) AS errorType, argMax(error_message, occurred_at) AS message,
        ${epochMs('min(occurred_at)')} AS firstMs, ${epochMs('max(occurred_at)')} AS lastMs, toUInt32(count()) AS occurrences,
        toUInt32(uniqExact(run_id, origin)) AS runs, toUInt32(uniqExactIf(client_id, client_id != '')) AS clients, argMax(run_id, occurred_at) AS lastRunId,
        arrayMap(day -> toUInt32(arrayCount(d -> d = day, groupArray(dateDiff('day', toDate(occurred_at), today())))), reverse(range({days:UInt16}))) AS perDay
     FROM failures
     WHERE project_id = {project:String} AND run_id >= {since:String} AND ({job:String} = '' OR job_name = {job:String})
       AND ({search:String} = '' OR positionCaseInsensitiveUTF8(concat(error_type, ' ', error_message, ' ', job_name), {search:String}) > 0)
     GROUP BY job_name, fingerprint
     ORDER BY lastMs DESC, job_name, fingerprint LIMIT {skip:UInt32}, {limit:UInt32}`,
    { project, since: runIdDaysAgo(days), job, search, days, skip, limit: limit + 1 },
  );
  return {
    groups: rows.slice(0, limit),
    nextCursor: rows.length > limit ? String(skip + limit) : null,
  };
}

export interface FailureGroupDetail {
  readonly group: FailureGroup;
  readonly stacktrace: string;
  readonly steps: string[];
  /** The latest first, at most 200. */
  readonly occurrences: {
    readonly runId: string;
    readonly clientId: string;
    readonly step: string;
    readonly message: string;
    readonly timeMs: number;
    readonly traceId: string;
  }[];
}

export async function readFailureGroup(
  engine: Engine,
  project: string,
  { job, fingerprint, days }: { job: string; fingerprint: string; days: number },
): Promise<FailureGroupDetail | null> {
  const parameters = { project, since: runIdDaysAgo(days), job, fingerprint };
  const where = `project_id = {project:String} AND run_id >= {since:String} AND job_name = {job:String} AND fingerprint = {fingerprint:String}`;
  const [{ groups }, details, occurrences] = await Promise.all([
    listFailureGroups(engine, project, { job, days, limit: 1_000 }),
    engine.rows<{ stacktrace: string; steps: string[] }>(
      `SELECT argMax(failures.stacktrace, occurred_at) AS stacktrace, arraySort(groupUniqArrayIf(20)(step, step != '')) AS steps FROM failures WHERE ${where}`,
      parameters,
    ),
    engine.rows<FailureGroupDetail['occurrences'][number]>(
      `SELECT run_id AS runId, client_id AS clientId, step, leftUTF8(error_message, 1000) AS message, ${epochMs('occurred_at')} AS timeMs, trace_id AS traceId
       FROM failures WHERE ${where} ORDER BY occurred_at DESC, client_id LIMIT 200`,
      parameters,
    ),
  ]);
  const group = groups.find((one) => one.fingerprint === fingerprint);
  if (group === undefined) return null;
  return {
    group,
    stacktrace: details[0]?.stacktrace ?? '',
    steps: details[0]?.steps ?? [],
    occurrences,
  };
}
