/** The conditions that many queries share, with the variables and macros that Grafana fills in. */

/** Several, or all. */
export const PROJECTS = '$__conditionalAll(project_id IN (${project:singlequote}), $project)';
export const JOBS = '$__conditionalAll(job_name IN (${job:singlequote}), $job)';
/** Raw tables name the column as the Collector's exporter does. */
export const RAW_PROJECTS = '$__conditionalAll(ProjectId IN (${project:singlequote}), $project)';

/** Names may hold quotes and backslashes: encoded, none of them can end the text. */
export const JOB = "job_name = decodeURLComponent('${job:percentencode}')";
export const RUN = "run_id = decodeURLComponent('${run:percentencode}')";
export const CLIENT = "client_id = decodeURLComponent('${client:percentencode}')";

/** Run IDs begin with the time, and the tables are sorted by them. */
export const RUNS_IN_RANGE =
  "run_id BETWEEN formatDateTime($__fromTime, '%y%m%d-%H%i%S', 'UTC') AND formatDateTime($__toTime, '%y%m%d-%H%i%S', 'UTC')";
/** The time in a run ID. It has commas, which a macro does not take: name it with WITH first. */
export const RUN_TIME = "parseDateTimeOrZero(concat('20', left(run_id, 13)), '%Y%m%d-%H%i%s', 'UTC')";
export const RUNS_OF_FOUR_WEEKS = "run_id >= formatDateTime(now('UTC') - INTERVAL 28 DAY, '%y%m%d-%H%i%S')";

/** Client runs that did not end well. */
export const IN_TROUBLE = "verdict IN ('failed', 'timed_out', 'lost', 'never_started')";
/** The same, of a row of job_runs. */
export const CLIENTS_IN_TROUBLE = 'clients_failed + clients_timed_out + clients_lost + clients_never_started';

const VERDICTS = [
  'completed',
  'completed_with_errors',
  'nothing_to_do',
  'failed',
  'timed_out',
  'cancelled',
  'lost',
  'running',
];
/** A column for each verdict. */
export const COUNT_VERDICTS = VERDICTS.map((verdict) => `countIf(verdict = '${verdict}') AS ${verdict}`).join(
  ', ',
);
