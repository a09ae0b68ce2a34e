/** Names the rollups, and computes each anew from the states for the runs that changed. */

/** A rollup: its table, and the view that it is computed from. */
export interface RollupTable {
  readonly table: string;
  readonly facts: string;
  /** The same where no client failed, quicker to plan. */
  readonly unfailedFacts?: string;
  /** A run that has no rows in this table has none in the rollup. */
  readonly source: string;
  /** What tells its rows apart. */
  readonly key: string;
  /** What is computed, in any order. */
  readonly columns: readonly string[];
  /** Its rows bear a digest, and only those that differ are written: of many rows most stay as they are. */
  readonly hasDigest?: boolean;
}

const RUN_COLUMNS =
  words(`job_name trace_id attempt recovered started_at declared_end_at declared_status reason
  error_type error_message last_sign_at lost_ms heartbeat_interval_ms progress_done progress_total expected expected_ended
  unanswered started unexpected completed completed_with_errors nothing_to_do failed timed_out cancelled open_lost_ms
  clients_cut clients_ended_at clients_sign_at missing_events events_sent lacks_metrics origins noted`);
const CLIENT_RUN_COLUMNS =
  words(`job_name trace_id span_id producer attempt expected relation recovered started_at
  declared_end_at declared_status reason error_type error_message last_sign_at lost_ms unanswered_ms progress_done progress_total is_cut fingerprint`);

const RUNS = 'run_summaries';

export const ROLLUPS: readonly RollupTable[] = [
  {
    table: 'metric_summaries',
    facts: 'metric_facts',
    source: 'metric_states',
    key: 'project_id, run_id, origin, client_id, metric, aggregation',
    columns: words('job_name unit attempt is_reported value updated_at'),
    hasDigest: true,
  },
  {
    table: 'job_metric_summaries',
    facts: 'job_metric_facts',
    source: 'metric_states',
    key: 'project_id, run_id, origin, metric, aggregation',
    columns: words('job_name unit is_reported value clients updated_at'),
  },
  {
    table: 'failure_summaries',
    facts: 'failure_facts',
    source: 'failure_events',
    key: 'project_id, run_id, origin, fingerprint',
    columns: words('job_name error_type sample_message step first_seen last_seen occurrences clients'),
  },
  {
    table: 'client_run_summaries',
    facts: 'client_run_facts',
    unfailedFacts: 'unfailed_client_run_facts',
    source: 'client_run_states',
    key: 'project_id, run_id, origin, client_id',
    columns: CLIENT_RUN_COLUMNS,
    hasDigest: true,
  },
  {
    table: RUNS,
    facts: 'run_facts',
    source: 'job_run_states',
    key: 'project_id, run_id, origin',
    columns: RUN_COLUMNS,
  },
];

function words(text: string): string[] {
  return text.split(/\s+/);
}

/** `{projects}` and `{runs}` are lists; a run of another project that bears the same ID is computed along, which does no harm. */
const THESE_RUNS = 'project_id IN {projects:Array(String)} AND run_id IN {runs:Array(String)}';

/** Computes a rollup anew for `{projects}` and `{runs}`; it holds from `{at}` on. `hasFailures`: some client may have failed. */
export function rollUp(
  { table, facts, unfailedFacts = facts, key, columns, hasDigest = false }: RollupTable,
  { hasFailures }: { hasFailures: boolean },
): string {
  const computed = [key, ...columns, ...(hasDigest ? ['digest'] : [])].join(', ');
  const differs = `(${key}, digest) NOT IN (SELECT ${key}, digest FROM ${table} FINAL WHERE ${THESE_RUNS})`;
  return `INSERT INTO ${table} (${computed}, summarised_at)
    SELECT ${computed}, toDateTime64({at:String}, 3, 'UTC') FROM ${hasFailures ? facts : unfailedFacts}
    WHERE ${THESE_RUNS}${hasDigest ? ` AND ${differs}` : ''}`;
}

/** The rollups of what belongs to a run. */
export const OF_A_RUN: readonly RollupTable[] = ROLLUPS.filter(({ table }) => table !== RUNS);

/** What {@link SOURCES} names where a client failed. */
export const FAILURES = 'failures';

/**
 * Which of their sources have rows of `{projects}` and `{runs}`, and whether there may be failures: a look takes a tenth of what it
 * takes to plan a rollup.
 */
export const SOURCES = [
  ...[...new Set(OF_A_RUN.map(({ source }) => source))].map((source) => found(source, source)),
  found(FAILURES, 'client_run_states', "AND ending.status IN ('failed', 'timed_out')"),
].join(' UNION ALL ');

function found(name: string, table: string, condition = ''): string {
  return `SELECT '${name}' AS source FROM (SELECT 1 FROM ${table} WHERE ${THESE_RUNS} ${condition} LIMIT 1)`;
}

const RUN_KEY = 'project_id, run_id, origin';
const RUN_ROW = `${RUN_KEY}, ${RUN_COLUMNS.join(', ')}, summarised_at`;

/** Computes the rows of runs, for `{pass}`, without showing them. */
export const COMPUTE_RUNS = `INSERT INTO run_summaries_next (pass, ${RUN_ROW})
  SELECT {pass:String}, ${RUN_KEY}, ${RUN_COLUMNS.join(', ')}, toDateTime64({at:String}, 3, 'UTC') FROM run_facts WHERE ${THESE_RUNS}`;

/** Shows what `{pass}` computed. */
export const SHOW_RUNS = `INSERT INTO ${RUNS} (${RUN_ROW}) SELECT ${RUN_ROW} FROM run_summaries_next WHERE pass = {pass:String}`;

/** Says that these runs are rolled up as they were at `{at}`. */
export const MARK_SUMMARISED = `INSERT INTO run_touches (project_id, run_id, touched_at, summarised_at)
  SELECT project_id, run_id, max(run_touches.touched_at), toDateTime64({at:String}, 3, 'UTC')
  FROM run_touches WHERE ${THESE_RUNS} GROUP BY project_id, run_id`;

/** Milliseconds since 1970. */
export const CLOCK = 'SELECT toFloat64(toUnixTimestamp64Milli(now64(3))) AS ms';

/**
 * When a rollup of `{projects}` and `{runs}` begins, milliseconds since 1970: now; where the clock was set back, right after
 * what these runs know already. An earlier one would count for nothing.
 */
export const BEGINNING = `SELECT toFloat64(greatest(
    toUnixTimestamp64Milli(now64(3)),
    toUnixTimestamp64Milli(max(run_touches.touched_at)),
    toUnixTimestamp64Milli(max(run_touches.summarised_at)) + 1)) AS ms
  FROM run_touches WHERE ${THESE_RUNS}`;

/** Runs whose evidence was inserted at or after `{since}`. */
export const TOUCHED_SINCE = `SELECT DISTINCT project_id AS project, run_id AS runId
  FROM run_touches WHERE touched_at >= toDateTime64({since:String}, 3, 'UTC')`;

/**
 * Runs that changed after their last rollup was begun, or within `{slackS}` seconds before it: a touch bears the time at
 * which its insert began, and the rows may have become visible only after the rollup had read. Touched within the last
 * `{windowS}` seconds (0: ever), but not within the last `{ageS}` (0: now, or ahead of now).
 */
export const WAITING = `SELECT project_id AS project, run_id AS runId
  FROM run_touches
  WHERE {windowS:UInt32} = 0 OR touched_at >= now64(3) - toIntervalSecond({windowS:UInt32})
  GROUP BY project_id, run_id
  HAVING max(run_touches.summarised_at) < max(run_touches.touched_at) + toIntervalSecond({slackS:UInt32})
     AND ({ageS:UInt32} = 0 OR max(run_touches.touched_at) + toIntervalSecond({ageS:UInt32}) <= now64(3))
  LIMIT {limit:UInt32}`;

/** Runs that were rolled up by a clock that was ahead of now: what came in since is not told by the times of {@link WAITING}. */
export const AHEAD = `SELECT project_id AS project, run_id AS runId
  FROM run_touches
  WHERE touched_at > now64(3) OR summarised_at > now64(3)
  GROUP BY project_id, run_id`;
