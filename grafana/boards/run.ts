/** The dashboard of one job run and its clients. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { board, jobVariable, projectVariable, runVariable } from '../parts/board.ts';
import { CLIENTS_IN_TROUBLE, IN_TROUBLE, PROJECTS, RAW_PROJECTS, RUN } from '../parts/filters.ts';
import { badFrom, logs, NEUTRAL, stat, table, timeline, trace } from '../parts/panels.ts';
import { VERDICT_NUMBERS } from '../parts/verdicts.ts';

const HERE = `${PROJECTS} AND ${RUN}`;
const THE_RUN = `FROM job_runs WHERE ${HERE} LIMIT 1`;
/** Raw rows of a run arrive after its start; a sender's clock may be a day ahead at most. */
const RAW = `${RAW_PROJECTS} AND RunId = decodeURLComponent('\${run:percentencode}')
    AND ReceivedAt >= parseDateTimeOrZero(concat('20', left(decodeURLComponent('\${run:percentencode}'), 13)), '%Y%m%d-%H%i%s', 'UTC') - INTERVAL 1 DAY`;
const NUMBERS = `indexOf([${VERDICT_NUMBERS.map((verdict) => `'${verdict}'`).join(', ')}], verdict) - 1`;

export function run(): Dashboard {
  return board({
    name: 'run',
    title: 'Run',
    description:
      'One job run: the roll call of its clients, when each was handled, what it produced, what failed, its logs and its trace.',
    from: 'now-14d',
    refresh: '30s',
    variables: [projectVariable(), jobVariable(), runVariable()],
    panels: [
      stat({
        title: 'Verdict',
        description: 'What Rollcall concludes of the run, from its own end and from its clients.',
        sql: `SELECT verdict ${THE_RUN}`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      stat({
        title: 'Declared',
        description: 'What the program said of its own end; empty while it said nothing.',
        sql: `SELECT if(declared_status = '', 'nothing yet', declared_status) AS declared ${THE_RUN}`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      stat({
        title: 'Duration',
        description: 'From its start to its end, or until now while it goes on.',
        sql: `SELECT ifNull(duration_ms, toFloat64(dateDiff('millisecond', started_at, if(verdict = 'running', now64(3), last_seen_at)))) AS duration ${THE_RUN}`,
        width: 4,
        height: 4,
        unit: 'ms',
        decimals: 1,
        steps: NEUTRAL,
      }),
      stat({
        title: 'Clients',
        description: 'Clients that started, of those that were expected.',
        sql: `SELECT concat(toString(clients_started), if(clients_expected = 0, '', concat(' of ', toString(clients_expected)))) AS clients ${THE_RUN}`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      stat({
        title: 'Clients in trouble',
        description: 'Clients that failed, timed out, were lost or never started.',
        sql: `SELECT ${CLIENTS_IN_TROUBLE} AS clients ${THE_RUN}`,
        width: 4,
        height: 4,
        decimals: 0,
        steps: badFrom(1),
      }),
      stat({
        title: 'Telemetry',
        description:
          'Whether all events and metrics arrived. Where it is incomplete, numbers may be too small.',
        sql: `SELECT telemetry ${THE_RUN}`,
        width: 4,
        height: 4,
        steps: NEUTRAL,
        isText: true,
      }),
      table({
        title: 'Roll call',
        description: 'Every client, expected or met: those in trouble first.',
        sql: `
          SELECT client_id AS client, verdict, started_at AS started, duration_ms AS duration, attempt, error_type AS error, if(error_message != '', error_message, reason) AS message
          FROM client_runs
          WHERE ${HERE}
          ORDER BY ${IN_TROUBLE} DESC, attempt DESC, client LIMIT 2000`,
        width: 14,
        height: 12,
        columns: {
          verdict: { isVerdict: true, width: 120 },
          started: { unit: 'time:HH:mm:ss', width: 75 },
          duration: { unit: 'ms', width: 80 },
          attempt: { steps: badFrom(10), width: 70 },
          error: { width: 110 },
        },
        links: [{ column: 'client', to: 'client', variables: { client: 'client' } }],
        noValue: 'No clients',
      }),
      table({
        title: 'Remarks and error of the run',
        description: 'What is to be known of the quality of its data, and the error of the run itself.',
        sql: `
          SELECT remark.1 AS kind, remark.2 AS text
          FROM (SELECT arrayConcat(if(error_message = '', [], [('error', concat(error_type, ': ', error_message))]), if(reason = '', [], [('reason', toString(reason))]), arrayMap(note -> ('remark', note), notes)) AS remarks ${THE_RUN})
          ARRAY JOIN remarks AS remark`,
        width: 10,
        height: 4,
        noValue: 'None',
      }),
      table({
        title: 'Metrics',
        description: 'What the run produced, over all its clients.',
        sql: `SELECT metric, aggregation, value, unit, clients FROM job_metrics WHERE ${HERE} ORDER BY metric, aggregation`,
        width: 10,
        height: 4,
        columns: { value: { unit: 'short' } },
        noValue: 'No metrics',
      }),
      table({
        title: 'Trace and aliases',
        description:
          'The trace of the run, to be opened below or in any tracing tool, and the other names of the run.',
        sql: `
          SELECT 'trace' AS kind, trace_id AS name FROM job_runs WHERE ${HERE}
          UNION ALL
          SELECT kind, alias AS name FROM run_aliases FINAL WHERE ${HERE}`,
        width: 10,
        height: 4,
      }),
      timeline({
        title: 'Timeline',
        description: 'When each client was handled, by verdict: 60 clients at most, those in trouble first.',
        sql: `
          SELECT assumeNotNull(tick.1) AS time, client_id AS client, tick.2 AS verdict
          FROM
          (
              SELECT client_id, [(assumeNotNull(started_at), CAST(${NUMBERS}, 'Nullable(Int64)')), (coalesce(ended_at, if(verdict = 'running', now64(9, 'UTC'), last_seen_at), started_at), NULL)] AS ticks
              FROM client_runs
              WHERE ${HERE} AND started_at IS NOT NULL
              ORDER BY ${IN_TROUBLE} DESC, started_at LIMIT 60
          )
          ARRAY JOIN ticks AS tick
          ORDER BY time`,
        width: 24,
        height: 12,
      }),
      table({
        title: 'Failures',
        description: 'Errors where they were thrown, each once.',
        sql: `
          SELECT occurred_at AS time, client_id AS client, attempt, step, error_type AS error, error_message AS message, fingerprint
          FROM failures
          WHERE ${HERE}
          ORDER BY occurred_at LIMIT 500`,
        width: 24,
        height: 6,
        columns: {
          time: { unit: 'dateTimeAsIso', width: 160 },
          attempt: { width: 80 },
          step: { width: 100 },
          error: { width: 140 },
        },
        links: [{ column: 'client', to: 'client', variables: { client: 'client' } }],
        noValue: 'No failures',
      }),
      logs({
        title: 'Logs',
        description: 'What the run and its clients logged: the first 500 lines.',
        sql: `
          SELECT Timestamp AS timestamp, if(Body != '', Body, concat(EventName, ' ', LogAttributes['exception.message'])) AS body, SeverityText AS level, ClientId AS client, TraceId AS traceID
          FROM otel_logs
          WHERE ${RAW} AND EventName IN ('', 'rollcall.failure', 'rollcall.note', 'rollcall.program.ended')
          ORDER BY timestamp LIMIT 500`,
        width: 12,
        height: 12,
      }),
      trace({
        title: 'Trace',
        description: 'The spans of the run: the first 1,000. In Explore it can be searched.',
        sql: `
          SELECT TraceId AS traceID, SpanId AS spanID, ParentSpanId AS parentSpanID, if(ClientId = '' OR SpanAttributes['rollcall.span.kind'] != 'client_run', SpanName, ClientId) AS operationName, ServiceName AS serviceName,
              Timestamp AS startTime, Duration / 1000000 AS duration, if(StatusCode = 'Error', 2, 0) AS statusCode,
              arrayMap(key -> map('key', key, 'value', SpanAttributes[key]), mapKeys(SpanAttributes)) AS tags,
              arrayMap(key -> map('key', key, 'value', ResourceAttributes[key]), mapKeys(ResourceAttributes)) AS serviceTags
          FROM otel_traces
          WHERE ${RAW} AND TraceId = (SELECT trace_id ${THE_RUN})
          ORDER BY startTime, duration DESC LIMIT 1000`,
        width: 12,
        height: 12,
      }),
    ],
  });
}
