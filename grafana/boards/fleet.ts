/** The dashboard of everything: what runs now, what went wrong, which jobs need a look. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, jobsVariable, projectVariable } from '../parts/board.ts';
import {
  CLIENTS_IN_TROUBLE,
  COUNT_VERDICTS,
  JOBS,
  PROJECTS,
  RUNS_IN_RANGE,
  RUNS_OF_FOUR_WEEKS,
} from '../parts/filters.ts';
import { badFrom, bars, goodFrom, NEUTRAL, stat, table, warnFrom } from '../parts/panels.ts';

const RUNS = `FROM job_runs WHERE ${PROJECTS} AND ${JOBS} AND ${RUNS_IN_RANGE}`;

export function fleet(): Dashboard {
  return board({
    name: 'fleet',
    title: 'Fleet',
    description:
      'Every job: what runs now, verdicts over time, what is late or missed, what is slow, what fails.',
    from: 'now-24h',
    refresh: '30s',
    variables: [projectVariable(), jobsVariable()],
    panels: [
      stat({
        title: 'Running now',
        description: 'Job runs that go on at this moment, whatever the time range.',
        sql: `SELECT count() AS runs FROM job_runs WHERE ${PROJECTS} AND ${JOBS} AND ${RUNS_OF_FOUR_WEEKS} AND verdict = 'running'`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        decimals: 0,
      }),
      stat({
        title: 'Runs',
        description: 'Job runs that began within the time range.',
        sql: `SELECT count() AS runs ${RUNS}`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        decimals: 0,
      }),
      stat({
        title: 'Clean runs',
        description:
          'Share of the runs that are over in which no client was in trouble: completed, or nothing to do.',
        sql: `SELECT countIf(verdict IN ('completed', 'nothing_to_do')) / countIf(verdict != 'running') AS share ${RUNS}`,
        width: 4,
        height: 4,
        unit: 'percentunit',
        decimals: 1,
        steps: goodFrom(0.5, 0.9),
      }),
      stat({
        title: 'Failed, timed out or lost runs',
        description:
          'Runs of the time range that failed as a whole, ran into their time limit, or fell silent.',
        sql: `SELECT countIf(verdict IN ('failed', 'timed_out', 'lost')) AS runs ${RUNS}`,
        width: 4,
        height: 4,
        steps: badFrom(1),
        decimals: 0,
      }),
      stat({
        title: 'Clients in trouble',
        description: 'Client runs of the time range that failed, timed out, were lost or never started.',
        sql: `SELECT sum(${CLIENTS_IN_TROUBLE}) AS clients ${RUNS}`,
        width: 4,
        height: 4,
        steps: warnFrom(1),
        decimals: 0,
      }),
      stat({
        title: 'Jobs late or missed',
        description:
          'Jobs whose run was due and has not begun, now. Runs that were due while Rollcall itself was down are not among them.',
        sql: `SELECT countIf(state IN ('late', 'missed')) AS jobs FROM expected_runs WHERE ${PROJECTS} AND ${JOBS}`,
        width: 4,
        height: 4,
        steps: badFrom(1),
        decimals: 0,
      }),
      table({
        title: 'What deserves attention now',
        description:
          'All alert conditions, the severe ones first: the same rows that alert rules and webhooks read. Each rule has its section in docs/alerts.md.',
        sql: `
          SELECT severity, rule, summary, since, job_name AS job, run_id AS run, client_id AS client
          FROM alert_conditions
          WHERE (${PROJECTS} OR project_id = '') AND (${JOBS} OR job_name = '')
          ORDER BY severity, since DESC`,
        width: 24,
        height: 9,
        columns: {
          severity: { isVerdict: true, width: 75 },
          rule: { width: 155 },
          since: { unit: 'dateTimeFromNow', width: 115 },
        },
        links: [
          { column: 'job', to: 'job', variables: { job: 'job' } },
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
          { column: 'client', to: 'client', variables: { client: 'client' } },
        ],
        noValue: 'Nothing',
      }),
      bars({
        title: 'Verdicts over time',
        description: 'Job runs by the time at which they began, and by their verdict.',
        sql: `SELECT $__timeInterval(assumeNotNull(started_at)) AS time, ${COUNT_VERDICTS} ${RUNS} AND started_at IS NOT NULL GROUP BY time ORDER BY time`,
        width: 24,
        height: 8,
      }),
      table({
        title: 'What runs now',
        description:
          'Runs that go on: since when, and how long the runs of that job usually take (median of four weeks).',
        sql: `
          WITH usual AS
          (
              SELECT project_id, job_name, quantileExact(0.5)(assumeNotNull(duration_ms)) AS usual_ms
              FROM job_runs
              WHERE ${RUNS_OF_FOUR_WEEKS} AND verdict IN ('completed', 'completed_with_errors') AND duration_ms > 0
              GROUP BY project_id, job_name
          )
          SELECT runs.job_name AS job, runs.run_id AS run,
              dateDiff('millisecond', runs.started_at, now64(3)) AS running_for, usual.usual_ms AS usually, runs.progress AS progress,
              concat(toString(runs.clients_started), if(runs.clients_expected = 0, '', concat(' of ', toString(runs.clients_expected)))) AS clients
          FROM (SELECT * FROM job_runs WHERE ${PROJECTS} AND ${JOBS} AND ${RUNS_OF_FOUR_WEEKS} AND verdict = 'running') AS runs
          LEFT JOIN usual ON usual.project_id = runs.project_id AND usual.job_name = runs.job_name
          ORDER BY running_for DESC
          LIMIT 200`,
        width: 12,
        height: 6,
        columns: {
          running_for: { unit: 'ms' },
          usually: { unit: 'ms' },
          progress: { isShare: true },
        },
        links: [
          { column: 'job', to: 'job', variables: { job: 'job' } },
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
        ],
        noValue: 'Nothing runs',
      }),
      table({
        title: 'Late, missed, or in doubt',
        description:
          'Jobs whose run should have come, by their schedule. In doubt: it was due while Rollcall itself was down.',
        sql: `
          SELECT job_name AS job, state, expression AS schedule, coalesce(missed_since, late_since) AS due, missed, last_started_at AS last_start, last_verdict
          FROM expected_runs
          WHERE ${PROJECTS} AND ${JOBS} AND state IN ('late', 'missed', 'unknown', 'invalid')
          ORDER BY indexOf(['missed', 'late', 'invalid', 'unknown'], state), due`,
        width: 12,
        height: 6,
        columns: {
          state: { isVerdict: true },
          due: { unit: 'dateTimeFromNow', width: 110 },
          last_start: { unit: 'dateTimeFromNow', width: 110 },
          last_verdict: { isVerdict: true },
        },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
        noValue: 'Every run came',
      }),
      table({
        title: 'Slowest jobs',
        description: 'Jobs by the median duration of the runs of the time range that came to their own end.',
        sql: `
          SELECT job_name AS job, count() AS runs, quantileExact(0.5)(assumeNotNull(duration_ms)) AS median, quantileExact(0.95)(assumeNotNull(duration_ms)) AS p95, max(duration_ms) AS slowest
          ${RUNS} AND duration_ms IS NOT NULL
          GROUP BY job ORDER BY median DESC LIMIT 20`,
        width: 12,
        height: 9,
        columns: { median: { unit: 'ms' }, p95: { unit: 'ms' }, slowest: { unit: 'ms' } },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
      }),
      table({
        title: 'Most failing jobs',
        description:
          'Jobs by the number of clients in trouble within the time range; runs that failed as a whole beside them.',
        sql: `
          SELECT job_name AS job, count() AS runs, countIf(verdict IN ('failed', 'timed_out', 'lost')) AS failed_runs, sum(${CLIENTS_IN_TROUBLE}) AS clients_in_trouble,
              clients_in_trouble / greatest(sum(clients_started + clients_never_started), 1) AS share
          ${RUNS}
          GROUP BY job HAVING failed_runs + clients_in_trouble > 0 ORDER BY failed_runs DESC, clients_in_trouble DESC LIMIT 20`,
        width: 12,
        height: 9,
        columns: { failed_runs: { steps: badFrom(1) }, share: { isShare: true, decimals: 1 } },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
        noValue: 'Nothing failed',
      }),
    ],
  });
}
