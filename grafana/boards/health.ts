/** The dashboard of Rollcall itself: is it up, is it behind, do its numbers still agree with their evidence. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, projectVariable } from '../parts/board.ts';
import { COUNT_VERDICTS, PROJECTS, RUN_TIME, RUNS_IN_RANGE } from '../parts/filters.ts';
import { badFrom, bars, lines, stat, table, warnFrom } from '../parts/panels.ts';

/** The totals of the latest runs, computed anew from their evidence. */
const LATEST = `(SELECT run_id FROM run_summaries WHERE ${PROJECTS} AND declared_end_at > toDateTime64(0, 9, 'UTC') ORDER BY run_id DESC LIMIT 20)`;
const RECOMPUTED = `
  FROM (SELECT project_id, run_id, origin, metric, aggregation, value FROM job_metric_facts WHERE ${PROJECTS} AND run_id IN ${LATEST} AND is_reported = 1) AS facts
  LEFT JOIN (SELECT project_id, run_id, origin, metric, aggregation, value FROM job_metrics WHERE ${PROJECTS} AND run_id IN ${LATEST}) AS shown
      ON shown.project_id = facts.project_id AND shown.run_id = facts.run_id AND shown.origin = facts.origin AND shown.metric = facts.metric AND shown.aggregation = facts.aggregation`;
/** Nothing of it depends on a project. */
const OUTAGES = 'FROM ingest_outages WHERE down_from > toDateTime64(0, 3) AND down_until >= $__fromTime';

/** When evidence came in last of runs that wait for their rollup, however long: `runs_waiting` looks back minutes. */
const WAITING = `SELECT max(run_touches.touched_at) AS touched FROM run_touches WHERE ${PROJECTS} AND touched_at >= now64(3, 'UTC') - INTERVAL 1 DAY GROUP BY project_id, run_id HAVING max(run_touches.summarised_at) < touched`;

export function health(): Dashboard {
  return board({
    name: 'health',
    title: 'Rollcall health',
    description:
      'Rollcall itself: whether it takes telemetry, how far it is behind, whether telemetry is missing, and whether totals agree with their evidence.',
    from: 'now-24h',
    refresh: '30s',
    variables: [projectVariable()],
    panels: [
      stat({
        title: 'Ingest was last up',
        description:
          'Every ingest writes down every 15 seconds that it is up. Older than two minutes: Rollcall is blind, and what did not arrive may have run.',
        sql: `SELECT dateDiff('second', max(ingest_alive.until), now64(3, 'UTC')) AS ago FROM ingest_alive`,
        width: 5,
        height: 4,
        unit: 's',
        decimals: 0,
        steps: badFrom(120),
      }),
      stat({
        title: 'Runs waiting for their rollup',
        description: 'Runs whose newest evidence does not show yet: a second or two is normal.',
        sql: `SELECT count() AS runs FROM (${WAITING})`,
        width: 5,
        height: 4,
        decimals: 0,
        steps: warnFrom(1000),
      }),
      stat({
        title: 'Oldest of them',
        description: 'For how long the oldest of these has been waiting.',
        sql: `SELECT if(count() = 0, 0, dateDiff('second', min(touched), now64(3, 'UTC'))) AS waits FROM (${WAITING})`,
        width: 5,
        height: 4,
        unit: 's',
        decimals: 0,
        steps: badFrom(120),
      }),
      stat({
        title: 'Drift of totals',
        description:
          'Totals of the latest 20 runs that differ from what their evidence says, recomputed now. It is 0. rollcall verify looks at all runs.',
        sql: `SELECT countIf(facts.value != shown.value) AS totals ${RECOMPUTED}`,
        width: 5,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      stat({
        title: 'Runs with gaps',
        description: 'Runs of the time range of which events or metrics are missing.',
        sql: `SELECT countIf(telemetry = 'incomplete') AS runs FROM job_runs WHERE ${PROJECTS} AND ${RUNS_IN_RANGE}`,
        width: 4,
        height: 4,
        decimals: 0,
        steps: warnFrom(1),
      }),
      lines({
        title: 'Taken, refused and repeated',
        description:
          'Rows that ingest acknowledged per interval, and records that it refused. Counters begin anew with each process.',
        sql: `
          SELECT $__timeInterval(at) AS time, sum(accepted) AS rows_taken, sum(refused) AS records_refused, sum(again) AS requests_repeated
          FROM
          (
              SELECT at, accepted_rows - lagInFrame(accepted_rows, 1, accepted_rows) OVER process AS accepted, refused_records - lagInFrame(refused_records, 1, refused_records) OVER process AS refused, repeated_requests - lagInFrame(repeated_requests, 1, repeated_requests) OVER process AS again
              FROM ingest_health
              WHERE $__timeFilter(at)
              WINDOW process AS (PARTITION BY instance, started_at ORDER BY at ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
          )
          GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
      }),
      lines({
        title: 'How far behind it is',
        description:
          'How long the oldest row has waited in the spool, and how long evidence has been in that the rollups do not know: the worst of each interval.',
        sql: `SELECT $__timeInterval(at) AS time, max(spool_age_ms) AS in_the_spool, max(rollup_lag_ms) AS for_the_rollups FROM ingest_health WHERE $__timeFilter(at) GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
        unit: 'ms',
        steps: warnFrom(120_000),
      }),
      lines({
        title: 'Spool and memory',
        description:
          'Bytes that are acknowledged and not in ClickHouse yet, and resident memory, over all ingest processes.',
        sql: `
          SELECT time, sum(spool) AS spool, sum(memory) AS memory
          FROM (SELECT $__timeInterval(at) AS time, instance, max(spool_bytes) AS spool, max(memory_bytes) AS memory FROM ingest_health WHERE $__timeFilter(at) GROUP BY time, instance)
          GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
        unit: 'bytes',
      }),
      table({
        title: 'What rollcall verify found',
        description:
          'The latest verification of each rollup against raw rows: values compared, and values that differed. It is 0.',
        sql: `SELECT verifications.rollup AS rollup_table, argMax(verifications.compared, at) AS compared, argMax(verifications.drifted, at) AS drifted, max(at) AS verified FROM verifications GROUP BY rollup_table ORDER BY rollup_table`,
        width: 12,
        height: 8,
        columns: { drifted: { steps: badFrom(1) }, verified: { unit: 'dateTimeFromNow' } },
        noValue: 'Never verified: rollcall verify',
      }),
      lines({
        title: 'Events sent, and events that arrived',
        description:
          'Per interval, by the start of the run. The two lines lie on each other unless telemetry is lost on its way.',
        sql: `
          WITH ${RUN_TIME} AS run_at
          SELECT $__timeInterval(run_at) AS time, sum(runs.events_sent) AS sent, sum(runs.events_sent - least(runs.missing_events, runs.events_sent)) AS arrived
          FROM run_summaries AS runs FINAL
          WHERE ${PROJECTS} AND ${RUNS_IN_RANGE}
          GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
      }),
      bars({
        title: 'Runs with gaps over time',
        description: 'Runs with incomplete telemetry, by verdict. A lost run is always incomplete.',
        sql: `SELECT $__timeInterval(assumeNotNull(started_at)) AS time, ${COUNT_VERDICTS} FROM job_runs WHERE ${PROJECTS} AND ${RUNS_IN_RANGE} AND telemetry = 'incomplete' AND started_at IS NOT NULL GROUP BY time ORDER BY time`,
        width: 12,
        height: 8,
      }),
      table({
        title: 'What is missing of which run',
        description: 'Runs of the time range with incomplete telemetry, and what is known to be missing.',
        sql: `
          SELECT run_id AS run, job_name AS job, verdict, arrayStringConcat(notes, '; ') AS remarks
          FROM job_runs
          WHERE ${PROJECTS} AND ${RUNS_IN_RANGE} AND telemetry = 'incomplete'
          ORDER BY run_id DESC LIMIT 100`,
        width: 12,
        height: 8,
        columns: { verdict: { isVerdict: true } },
        links: [
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
          { column: 'job', to: 'job', variables: { job: 'job' } },
        ],
        noValue: 'None',
      }),
      table({
        title: 'Orphans',
        description: 'Client runs of the time range whose job run has not been heard of.',
        sql: `
          SELECT run_id AS run, job_name AS job, client_id AS client, started_at AS started, declared_status AS declared
          FROM client_run_summaries FINAL
          WHERE ${PROJECTS} AND ${RUNS_IN_RANGE} AND relation = 'orphan' AND attempt > 0
          ORDER BY run_id DESC LIMIT 100`,
        width: 12,
        height: 8,
        columns: { started: { unit: 'dateTimeAsIso' }, declared: { isVerdict: true } },
        links: [
          { column: 'run', to: 'run', variables: { job: 'job', run: 'run' } },
          { column: 'job', to: 'job', variables: { job: 'job' } },
          { column: 'client', to: 'client', variables: { client: 'client' } },
        ],
        noValue: 'None',
      }),
      table({
        title: 'When Rollcall was down',
        description:
          'Times of more than a minute in which no ingest was up. Runs that were due then count as in doubt, not as missed.',
        sql: `SELECT down_from, down_until, dateDiff('second', down_from, down_until) AS for_s ${OUTAGES} ORDER BY down_from DESC LIMIT 100`,
        width: 12,
        height: 8,
        columns: {
          down_from: { unit: 'dateTimeAsIso' },
          down_until: { unit: 'dateTimeAsIso' },
          for_s: { unit: 's' },
        },
        noValue: 'It was always up',
      }),
      table({
        title: 'Tables',
        description: 'Rows and bytes on disk of each table.',
        sql: `
          SELECT name AS table, total_rows AS rows, total_bytes AS bytes
          FROM system.tables
          WHERE database = currentDatabase() AND total_bytes > 0
          ORDER BY bytes DESC LIMIT 50`,
        width: 12,
        height: 8,
        columns: { rows: { unit: 'short' }, bytes: { unit: 'bytes' } },
      }),
    ],
  });
}
