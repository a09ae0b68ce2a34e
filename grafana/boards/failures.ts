/** The dashboard of failures: kinds of error, what is new, whom they hit. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, jobsVariable, projectVariable } from '../parts/board.ts';
import { JOBS, PROJECTS, RUNS_IN_RANGE } from '../parts/filters.ts';
import { badFrom, bars, NEUTRAL, stat, table, warnFrom } from '../parts/panels.ts';

const IN_RANGE = `FROM failure_summaries AS failures FINAL WHERE ${PROJECTS} AND ${JOBS} AND ${RUNS_IN_RANGE}`;
/** First seen ever, not only within the time range. */
const NEW = `FROM failure_groups WHERE ${PROJECTS} AND ${JOBS} AND first_seen >= now64(9, 'UTC') - INTERVAL 1 DAY`;

export function failures(): Dashboard {
  return board({
    name: 'failures',
    title: 'Failures',
    description:
      'Failures by kind: how often, since when, which clients and jobs they hit, and which kinds are new.',
    from: 'now-7d',
    refresh: '1m',
    variables: [projectVariable(), jobsVariable()],
    panels: [
      stat({
        title: 'Failures',
        description:
          'Errors of the runs that began within the time range, each counted once where it was thrown.',
        sql: `SELECT sum(failures.occurrences) AS failures ${IN_RANGE}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: warnFrom(1),
      }),
      stat({
        title: 'How many kinds',
        description:
          'Failures with the same error type, and the same message but for numbers and identifiers, are of one kind.',
        sql: `SELECT uniqExact(failures.job_name, failures.fingerprint) AS kinds ${IN_RANGE}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: NEUTRAL,
      }),
      stat({
        title: 'New kinds within a day',
        description: 'Kinds that had never been seen before, whatever the time range.',
        sql: `SELECT count() AS kinds ${NEW}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      stat({
        title: 'Clients hit',
        description: 'Clients with at least one failure within the time range.',
        sql: `SELECT uniqExactArray(failures.clients) AS clients ${IN_RANGE}`,
        width: 6,
        height: 4,
        decimals: 0,
        steps: warnFrom(1),
      }),
      bars({
        title: 'Failures over time',
        description:
          'Failures by the last time they occurred in a run; the five most frequent types have a series of their own.',
        sql: `
          WITH (SELECT topKWeighted(5)(toString(failures.error_type), failures.occurrences) ${IN_RANGE}) AS frequent
          SELECT $__timeInterval(failures.last_seen) AS time, if(has(frequent, failures.error_type), toString(failures.error_type), 'other') AS type, sum(failures.occurrences) AS failures
          ${IN_RANGE}
          GROUP BY time, type ORDER BY time`,
        width: 24,
        height: 8,
        seriesFrom: 'type',
      }),
      table({
        title: 'New within a day',
        description: 'Kinds of failure that were first seen within the last day.',
        sql: `
          SELECT job_name AS job, error_type AS error, sample_message AS example, first_seen, occurrences, runs, clients
          ${NEW}
          ORDER BY first_seen DESC LIMIT 50`,
        width: 24,
        height: 6,
        columns: { first_seen: { unit: 'dateTimeFromNow' } },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
        noValue: 'Nothing new',
      }),
      table({
        title: 'Kinds of failure',
        description: 'By the number of clients hit within the time range. First seen counts all times.',
        sql: `
          SELECT job_name AS job, step, error, example, occurrences, runs, clients, latest_run AS run, last_seen, ever.first_seen AS first_seen
          FROM
          (
              SELECT project_id, job_name, fingerprint, argMax(failures.step, failures.last_seen) AS step, argMax(failures.error_type, failures.last_seen) AS error, argMax(failures.sample_message, failures.last_seen) AS example,
                  sum(failures.occurrences) AS occurrences, count() AS runs, uniqExactArray(failures.clients) AS clients, argMax(failures.run_id, failures.last_seen) AS latest_run, max(failures.last_seen) AS last_seen
              ${IN_RANGE}
              GROUP BY project_id, job_name, fingerprint
          ) AS kinds
          LEFT JOIN failure_groups AS ever ON ever.project_id = kinds.project_id AND ever.job_name = kinds.job_name AND ever.fingerprint = kinds.fingerprint
          ORDER BY clients DESC, occurrences DESC LIMIT 100`,
        width: 24,
        height: 10,
        columns: { first_seen: { unit: 'dateTimeFromNow' }, last_seen: { unit: 'dateTimeFromNow' } },
        links: [
          { column: 'job', to: 'job', variables: { job: 'job' } },
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
        ],
        noValue: 'No failures',
      }),
      table({
        title: 'Clients hit most',
        description: 'Clients by the number of runs in which something failed for them.',
        sql: `
          SELECT client, count() AS runs, uniqExact(job_name) AS jobs, uniqExact(fingerprint) AS kinds, max(last_seen) AS last_seen
          FROM (SELECT failures.job_name AS job_name, failures.fingerprint AS fingerprint, failures.last_seen AS last_seen, arrayJoin(failures.clients) AS client ${IN_RANGE})
          GROUP BY client ORDER BY runs DESC, client LIMIT 50`,
        width: 12,
        height: 9,
        columns: { last_seen: { unit: 'dateTimeFromNow' } },
        links: [{ column: 'client', to: 'client', variables: { client: 'client' } }],
        noValue: 'No clients',
      }),
      table({
        title: 'Jobs hit most',
        description: 'Jobs by the number of failures within the time range.',
        sql: `
          SELECT failures.job_name AS job, sum(failures.occurrences) AS failures, uniqExact(failures.fingerprint) AS kinds, uniqExactArray(failures.clients) AS clients, max(failures.last_seen) AS last_seen
          ${IN_RANGE}
          GROUP BY job ORDER BY failures DESC LIMIT 50`,
        width: 12,
        height: 9,
        columns: { last_seen: { unit: 'dateTimeFromNow' } },
        links: [{ column: 'job', to: 'job', variables: { job: 'job' } }],
        noValue: 'No jobs',
      }),
    ],
  });
}
