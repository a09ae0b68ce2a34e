/** Reads what jobs did and said, and writes down what is expected of them. */

import type { Engine } from '../store/engine.ts';
import type { Declaration, Due, Plan } from './plan.ts';

/** A job by its project and name. */
export interface JobKey {
  readonly project: string;
  readonly job: string;
}

export interface KnownJob extends JobKey {
  readonly declaration: Declaration | undefined;
  /** Milliseconds since 1970. */
  readonly lastStart: number | undefined;
}

export interface DueChange extends JobKey, Due {
  readonly source: string;
  readonly cancelled: boolean;
}

const HISTORY_DAYS = 35;
const MOST_STARTS = 200;
/** Rows of one statement: they travel as parameters. */
const ROWS_AT_ONCE = 1_000;

export class ScheduleStore {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Every job that ever started or declared anything. */
  async readJobs(): Promise<KnownJob[]> {
    const rows = await this.#engine.rows<RawJob>(
      `SELECT project_id AS project, job_name AS job,
           toString(intDiv(toUnixTimestamp64Nano(max(known.started_at)), 1000000)) AS startedAt,
           max(known.declared) AS latest,
           toString(intDiv(toUnixTimestamp64Nano(latest.at), 1000000)) AS declaredAt,
           latest.kind AS kind, latest.cron AS cron, latest.time_zone AS timeZone, toString(latest.every_ms) AS everyMs,
           toString(latest.late_after_ms) AS lateAfterMs, toString(latest.max_runtime_ms) AS maxRuntimeMs
       FROM
       (
           SELECT project_id, job_name, job_latest_starts.latest.at AS started_at, NO_DECLARATION AS declared FROM job_latest_starts
           UNION ALL
           SELECT project_id, job_name, toDateTime64(0, 9, 'UTC') AS started_at, job_schedules.declared AS declared FROM job_schedules
       ) AS known
       GROUP BY project, job`.replace('NO_DECLARATION', NO_DECLARATION),
    );
    return rows.map((row) => ({
      project: row.project,
      job: row.job,
      lastStart: Number(row.startedAt) > 0 ? Number(row.startedAt) : undefined,
      declaration:
        Number(row.declaredAt) === 0
          ? undefined
          : {
              at: Number(row.declaredAt),
              kind: row.kind,
              cron: row.cron,
              timeZone: row.timeZone,
              everyMs: Number(row.everyMs),
              lateAfterMs: Number(row.lateAfterMs),
              maxRuntimeMs: Number(row.maxRuntimeMs),
            },
    }));
  }

  /** The latest starts of the jobs that declare no schedule, in order, milliseconds since 1970. */
  async readHistory(nowMs: number): Promise<(JobKey & { starts: number[] })[]> {
    const rows = await this.#engine.rows<JobKey & { starts: string[] }>(
      `SELECT project, job, arrayMap(start -> toString(start), arraySlice(arraySort(groupArray(startMs)), -${MOST_STARTS})) AS starts
       FROM
       (
           SELECT project_id AS project, run_id, origin, max(job_run_states.job_name) AS job,
               intDiv(toUnixTimestamp64Nano(assumeNotNull(min(job_run_states.started_at))), 1000000) AS startMs
           FROM job_run_states
           WHERE run_id >= formatDateTime(fromUnixTimestamp64Milli({since:Int64}, 'UTC'), '%y%m%d-%H%i%S')
           GROUP BY project, run_id, origin
           HAVING startMs > {since:Int64}
       )
       WHERE job != '' AND (project, job) NOT IN (
           SELECT project_id, job_name FROM job_schedules GROUP BY project_id, job_name HAVING max(job_schedules.declared).2 != '')
       GROUP BY project, job
       HAVING count() > 6`,
      { since: nowMs - HISTORY_DAYS * 86_400_000 },
    );
    return rows.map(({ project, job, starts }) => ({ project, job, starts: starts.map(Number) }));
  }

  /** Times that are written down and stand, later than the given one. */
  async readDues(jobs: readonly JobKey[], afterMs: number): Promise<(JobKey & Due & { source: string })[]> {
    const found: (JobKey & Due & { source: string })[] = [];
    for (const part of chunks(jobs)) {
      const rows = await this.#engine.rows<
        JobKey & Record<'dueAt' | 'earliestAt' | 'overdueAt' | 'source', string>
      >(
        `SELECT project_id AS project, job_name AS job, toString(toUnixTimestamp64Milli(due_at)) AS dueAt,
             toString(toUnixTimestamp64Milli(argMax(schedule_dues.earliest_at, version))) AS earliestAt,
             toString(toUnixTimestamp64Milli(argMax(schedule_dues.overdue_at, version))) AS overdueAt,
             argMax(schedule_dues.source, version) AS source
         FROM schedule_dues
         WHERE has({keys:Array(String)}, concat(project_id, '\\0', job_name)) AND due_at > fromUnixTimestamp64Milli({after:Int64}, 'UTC')
         GROUP BY project, job, due_at
         HAVING argMax(schedule_dues.cancelled, version) = 0`,
        { keys: part.map(({ project, job }) => `${project}\0${job}`), after: afterMs },
      );
      found.push(
        ...rows.map(({ dueAt, earliestAt, overdueAt, ...row }) => ({
          ...row,
          dueAt: Number(dueAt),
          earliestAt: Number(earliestAt),
          overdueAt: Number(overdueAt),
        })),
      );
    }
    return found;
  }

  async writeDues(changes: readonly DueChange[], versionMs: number): Promise<void> {
    await this.#insert(
      `INSERT INTO schedule_dues (project_id, job_name, due_at, earliest_at, overdue_at, source, cancelled, version)
       SELECT JSONExtractString(row, 'project'), JSONExtractString(row, 'job'), ${time('dueAt')}, ${time('earliestAt')}, ${time('overdueAt')},
           JSONExtractString(row, 'source'), JSONExtractBool(row, 'cancelled'), {now:UInt64}`,
      changes,
      versionMs,
    );
  }

  async writePlans(plans: readonly (JobKey & Plan)[], nowMs: number): Promise<void> {
    await this.#insert(
      `INSERT INTO schedule_plans (project_id, job_name, planned_at, source, expression, problem, late_after_ms, max_runtime_ms)
       SELECT JSONExtractString(row, 'project'), JSONExtractString(row, 'job'), fromUnixTimestamp64Milli({now:Int64}, 'UTC'),
           JSONExtractString(row, 'source'), JSONExtractString(row, 'expression'), JSONExtractString(row, 'problem'),
           JSONExtractUInt(row, 'lateAfterMs'), JSONExtractUInt(row, 'maxRuntimeMs')`,
      plans,
      nowMs,
    );
  }

  /** When Rollcall was last known to be up, milliseconds since 1970. */
  async readLastAlive(): Promise<number | undefined> {
    const [row] = await this.#engine.rows<{ until: string }>(
      'SELECT toString(toUnixTimestamp64Milli(max(until))) AS until FROM ingest_alive',
    );
    const until = Number(row?.until ?? 0);
    return until > 0 ? until : undefined;
  }

  async writeAlive(instance: string, sinceMs: number, untilMs: number): Promise<void> {
    await this.#engine.command(
      `INSERT INTO ingest_alive (instance, since, until)
       SELECT {instance:String}, fromUnixTimestamp64Milli({since:Int64}, 'UTC'), fromUnixTimestamp64Milli({until:Int64}, 'UTC')`,
      { instance, since: sinceMs, until: untilMs },
    );
  }

  async #insert(statement: string, rows: readonly object[], nowMs: number): Promise<void> {
    for (const part of chunks(rows)) {
      await this.#engine.command(`${statement} FROM (SELECT arrayJoin({rows:Array(String)}) AS row)`, {
        rows: part.map((row) => JSON.stringify(row)),
        now: nowMs,
      });
    }
  }
}

interface RawJob extends JobKey {
  readonly startedAt: string;
  readonly declaredAt: string;
  readonly kind: Declaration['kind'];
  readonly cron: string;
  readonly timeZone: string;
  readonly everyMs: string;
  readonly lateAfterMs: string;
  readonly maxRuntimeMs: string;
}

const NO_DECLARATION = `CAST(tuple(toDateTime64(0, 9, 'UTC'), '', '', '', 0, 0, 0), 'Tuple(at DateTime64(9, \\'UTC\\'), kind String, cron String, time_zone String, every_ms UInt64, late_after_ms UInt64, max_runtime_ms UInt64)')`;

function time(field: string): string {
  return `fromUnixTimestamp64Milli(JSONExtractInt(row, '${field}'), 'UTC')`;
}

function chunks<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / ROWS_AT_ONCE) }, (_, index) =>
    items.slice(index * ROWS_AT_ONCE, (index + 1) * ROWS_AT_ONCE),
  );
}
