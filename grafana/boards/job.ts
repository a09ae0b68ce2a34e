/** The dashboard of one job over time. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, jobVariable, projectVariable } from '../parts/board.ts';
import {
  CLIENTS_IN_TROUBLE,
  COUNT_VERDICTS,
  IN_TROUBLE,
  JOB,
  PROJECTS,
  RUN_TIME,
  RUNS_IN_RANGE,
  RUNS_OF_FOUR_WEEKS,
} from '../parts/filters.ts';
import { badFrom, bars, goodFrom, lines, NEUTRAL, stat, table } from '../parts/panels.ts';

const HERE = `${PROJECTS} AND ${JOB} AND ${RUNS_IN_RANGE}`;
const RUNS = `FROM job_runs WHERE ${HERE}`;
/** What is usual is learnt from the older half of four weeks, so that a slow change shows. */
const USUAL = `
  (
      SELECT arrayReverseSort(run -> run.1, groupArray(tuple(run_id, assumeNotNull(duration_ms)))) AS newest
      FROM job_runs
      WHERE ${PROJECTS} AND ${JOB} AND ${RUNS_OF_FOUR_WEEKS} AND verdict IN ('completed', 'completed_with_errors') AND duration_ms > 0
  )`;

export function job(): Dashboard {
  return board({
    name: 'job',
    title: 'Job',
    description:
      'One job: its runs over time, how long they take, what they produce, for which clients they succeed, when the next one is due.',
    from: 'now-14d',
    refresh: '1m',
    variables: [projectVariable(), jobVariable()],
    panels: [
      stat({
        title: 'Latest verdict',
        description: 'What became of the latest run of the time range.',
        sql: `SELECT verdict ${RUNS} ORDER BY run_id DESC LIMIT 1`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      stat({
        title: 'State of its schedule',
        description:
          'Whether every run that was due came: on_time, due, late, missed, unknown (Rollcall was down), or none without a schedule.',
        sql: `SELECT state FROM expected_runs WHERE ${PROJECTS} AND ${JOB} LIMIT 1`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      stat({
        title: 'Next due',
        description: 'When the next run is due, by the schedule that the job declared or that was learnt.',
        sql: `SELECT toUnixTimestamp64Milli(assumeNotNull(next_due_at)) AS next_due FROM expected_runs WHERE ${PROJECTS} AND ${JOB} AND next_due_at IS NOT NULL LIMIT 1`,
        width: 4,
        height: 4,
        unit: 'dateTimeFromNow',
        steps: NEUTRAL,
        noValue: 'nothing due',
      }),
      stat({
        title: 'Clean runs',
        description: 'Share of the runs that are over in which no client was in trouble.',
        sql: `SELECT countIf(verdict IN ('completed', 'nothing_to_do')) / countIf(verdict != 'running') AS share ${RUNS}`,
        width: 4,
        height: 4,
        unit: 'percentunit',
        decimals: 1,
        steps: goodFrom(0.5, 0.9),
      }),
      stat({
        title: 'Median duration',
        description: 'Half of the runs of the time range took less.',
        sql: `SELECT quantileExact(0.5)(assumeNotNull(duration_ms)) AS median ${RUNS} AND duration_ms IS NOT NULL`,
        width: 4,
        height: 4,
        unit: 'ms',
        decimals: 1,
        steps: NEUTRAL,
      }),
      stat({
        title: 'Clients in trouble',
        description: 'Client runs of the time range that failed, timed out, were lost or never started.',
        sql: `SELECT sum(${CLIENTS_IN_TROUBLE}) AS clients ${RUNS}`,
        width: 4,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      bars({
        title: 'Runs over time',
        description: 'Runs by the time at which they began, and by their verdict.',
        sql: `SELECT $__timeInterval(assumeNotNull(started_at)) AS time, ${COUNT_VERDICTS} ${RUNS} AND started_at IS NOT NULL GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
      }),
      lines({
        title: 'Duration, and what is usual',
        description:
          'How long each run took. The band holds nine of ten runs of the older half of the last four weeks: a job that slowly gets slower leaves it.',
        sql: `
          WITH arrayMap(run -> run.2, arraySlice(newest, intDiv(length(newest), 2) + 1)) AS before
          SELECT assumeNotNull(runs.started_at) AS time, runs.duration_ms AS duration,
              if(empty(before), NULL, arrayReduce('quantileExact(0.05)', before)) AS usual_low, if(empty(before), NULL, arrayReduce('quantileExact(0.95)', before)) AS usual_high
          FROM (SELECT started_at, duration_ms ${RUNS} AND started_at IS NOT NULL AND duration_ms IS NOT NULL) AS runs
          CROSS JOIN ${USUAL} AS usual
          ORDER BY time`,
        width: 12,
        height: 8,
        unit: 'ms',
        band: ['usual_low', 'usual_high'],
      }),
      lines({
        title: 'Totals per metric',
        description:
          'What each run produced, over all its clients. Click a name in the legend to see it alone.',
        sql: `
          SELECT ${RUN_TIME} AS time, metric, value
          FROM job_metrics
          WHERE ${HERE}
          ORDER BY time`,
        width: 12,
        height: 9,
        seriesFrom: 'metric',
      }),
      table({
        title: 'Totals of the latest run, against what is usual',
        description:
          'The latest total of each metric, and the median of the older half of the last four weeks.',
        sql: `
          SELECT metric, newest[1].2 AS latest, if(length(newest) < 4, NULL, arrayReduce('quantileExact(0.5)', arrayMap(run -> run.2, arraySlice(newest, intDiv(length(newest), 2) + 1)))) AS usual,
              latest / usual AS ratio
          FROM
          (
              SELECT metric, arrayReverseSort(run -> run.1, groupArray(tuple(run_id, value))) AS newest
              FROM job_metrics
              WHERE ${PROJECTS} AND ${JOB} AND ${RUNS_OF_FOUR_WEEKS}
              GROUP BY metric
          )
          ORDER BY metric`,
        width: 12,
        height: 9,
        columns: {
          latest: { unit: 'short' },
          usual: { unit: 'short' },
          ratio: {
            unit: 'percentunit',
            decimals: 0,
            steps: [
              [null, '#d64550'],
              [0.67, '#3fa45b'],
              [1.5, '#e0a526'],
            ],
          },
        },
      }),
      table({
        title: 'Success per client',
        description:
          'Clients of the time range, those in trouble most often first. In a row: the latest runs that did not end well, without one that did.',
        sql: `
          SELECT client_id AS client, length(newest) AS runs, arrayCount(run -> run.2, newest) AS in_trouble, 1 - in_trouble / runs AS success,
              toInt64(if(arrayFirstIndex(run -> NOT run.2, newest) = 0, runs + 1, arrayFirstIndex(run -> NOT run.2, newest))) - 1 AS in_a_row, newest[1].3 AS latest_verdict
          FROM
          (
              SELECT client_id, arrayReverseSort(run -> run.1, groupArray(tuple(run_id, ${IN_TROUBLE}, verdict))) AS newest
              FROM client_runs
              WHERE ${HERE} AND verdict NOT IN ('running', 'pending')
              GROUP BY client_id
          )
          ORDER BY in_a_row DESC, in_trouble DESC, client LIMIT 200`,
        width: 12,
        height: 10,
        columns: {
          success: { isShare: true, decimals: 0 },
          in_a_row: { steps: badFrom(3) },
          latest_verdict: { isVerdict: true },
        },
        links: [{ column: 'client', to: 'client', variables: { client: 'client' } }],
      }),
      table({
        title: 'Latest runs',
        description: 'The latest runs of the time range, with their verdict and their clients.',
        sql: `
          SELECT run_id AS run, verdict, started_at AS started, duration_ms AS duration, clients_started AS clients, ${CLIENTS_IN_TROUBLE} AS in_trouble, telemetry
          ${RUNS}
          ORDER BY run_id DESC LIMIT 100`,
        width: 12,
        height: 10,
        columns: {
          verdict: { isVerdict: true },
          started: { unit: 'dateTimeAsIso' },
          duration: { unit: 'ms' },
          in_trouble: { steps: badFrom(1) },
          telemetry: { isVerdict: true },
        },
        links: [{ column: 'run', to: 'run', variables: { run: 'run' } }],
      }),
    ],
  });
}
