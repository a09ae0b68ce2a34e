/** The dashboard of one client across all jobs. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, clientVariable, projectVariable } from '../parts/board.ts';
import { CLIENT, IN_TROUBLE, PROJECTS, RUN_TIME, RUNS_IN_RANGE } from '../parts/filters.ts';
import { badFrom, bars, goodFrom, lines, NEUTRAL, stat, table } from '../parts/panels.ts';

const HERE = `${PROJECTS} AND ${CLIENT} AND ${RUNS_IN_RANGE}`;
const RUNS = `FROM client_history WHERE ${HERE}`;
const COUNTED = [
  'completed',
  'nothing_to_do',
  'failed',
  'timed_out',
  'cancelled',
  'lost',
  'never_started',
  'running',
]
  .map((verdict) => `countIf(verdict = '${verdict}') AS ${verdict}`)
  .join(', ');

export function client(): Dashboard {
  return board({
    name: 'client',
    title: 'Client',
    description:
      'One client across jobs: how its runs went, since when a job fails for it, what was produced for it.',
    from: 'now-14d',
    refresh: '1m',
    variables: [projectVariable(), clientVariable()],
    panels: [
      stat({
        title: 'Client runs',
        description: 'Runs of any job that expected or met the client within the time range.',
        sql: `SELECT count() AS runs ${RUNS}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: NEUTRAL,
      }),
      stat({
        title: 'Success',
        description: 'Share of its client runs that completed or had nothing to do, of those that are over.',
        sql: `SELECT countIf(verdict IN ('completed', 'nothing_to_do')) / countIf(verdict NOT IN ('running', 'pending')) AS share ${RUNS}`,
        width: 6,
        height: 4,
        unit: 'percentunit',
        decimals: 1,
        steps: goodFrom(0.8, 0.97),
      }),
      stat({
        title: 'In trouble',
        description: 'Client runs that failed, timed out, were lost or never started.',
        sql: `SELECT countIf(${IN_TROUBLE}) AS runs ${RUNS}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      stat({
        title: 'Jobs that fail for it now',
        description: 'Jobs whose latest run for this client did not end well.',
        sql: `SELECT countIf(bad) AS jobs FROM (SELECT argMax(${IN_TROUBLE}, run_id) AS bad ${RUNS} AND verdict NOT IN ('running', 'pending') GROUP BY job_name)`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      bars({
        title: 'Its runs over time',
        description: 'Client runs of all jobs by the time of the job run, and by verdict.',
        sql: `WITH ${RUN_TIME} AS run_at SELECT $__timeInterval(run_at) AS time, ${COUNTED} ${RUNS} GROUP BY time ORDER BY time`,
        width: 24,
        height: 8,
      }),
      table({
        title: 'By job',
        description:
          'How each job does for this client. In a row: the latest runs that did not end well; failing since: the first of them.',
        sql: `
          SELECT job_name AS job, length(newest) AS runs, 1 - arrayCount(run -> run.2, newest) / runs AS success,
              toInt64(if(arrayFirstIndex(run -> NOT run.2, newest) = 0, runs + 1, arrayFirstIndex(run -> NOT run.2, newest))) - 1 AS in_a_row,
              if(in_a_row = 0, NULL, newest[in_a_row].4) AS failing_since, newest[1].3 AS latest_verdict, newest[1].5 AS latest_error
          FROM
          (
              SELECT job_name, arrayReverseSort(run -> run.1, groupArray(tuple(run_id, ${IN_TROUBLE}, verdict, ${RUN_TIME}, if(error_message = '', reason, concat(error_type, ': ', error_message))))) AS newest
              ${RUNS} AND verdict NOT IN ('running', 'pending')
              GROUP BY job_name
          )
          ORDER BY in_a_row DESC, success, job`,
        width: 24,
        height: 6,
        columns: {
          success: { isShare: true, decimals: 0, width: 200 },
          in_a_row: { steps: badFrom(3), width: 90 },
          failing_since: { unit: 'dateTimeAsIso' },
          latest_verdict: { isVerdict: true },
          runs: { width: 80 },
        },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
      }),
      lines({
        title: 'What was produced for it',
        description: 'Metrics of its client runs, all jobs together, per interval.',
        sql: `
          WITH ${RUN_TIME} AS run_at
          SELECT $__timeInterval(run_at) AS time, metric, sum(value) AS value
          FROM client_metrics
          WHERE ${HERE} AND aggregation = 'sum'
          GROUP BY time, metric
          ORDER BY time`,
        width: 12,
        height: 9,
        seriesFrom: 'metric',
      }),
      table({
        title: 'Its failures',
        description: 'Kinds of failure that hit this client within the time range.',
        sql: `
          SELECT job_name AS job, error_type AS error, any(error_message) AS example, count() AS occurrences, min(occurred_at) AS first_seen, max(occurred_at) AS last_seen, argMax(run_id, occurred_at) AS run
          FROM failures
          WHERE ${HERE}
          GROUP BY job, fingerprint, error ORDER BY last_seen DESC LIMIT 100`,
        width: 12,
        height: 9,
        columns: { first_seen: { unit: 'dateTimeFromNow' }, last_seen: { unit: 'dateTimeFromNow' } },
        links: [
          { column: 'job', to: 'job', variables: { job: 'job' } },
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
        ],
        noValue: 'No failures',
      }),
      table({
        title: 'Its latest runs',
        description: 'The latest client runs of the time range.',
        sql: `
          SELECT run_id AS run, job_name AS job, verdict, started_at AS started, duration_ms AS duration, attempt, relation, if(error_message = '', reason, concat(error_type, ': ', error_message)) AS message
          ${RUNS}
          ORDER BY run_id DESC LIMIT 100`,
        width: 24,
        height: 9,
        columns: {
          verdict: { isVerdict: true },
          started: { unit: 'dateTimeAsIso' },
          duration: { unit: 'ms' },
          attempt: { steps: badFrom(10) },
        },
        links: [
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
          { column: 'job', to: 'job', variables: { job: 'job' } },
        ],
      }),
    ],
  });
}
