/** Describes what the reading paths take and give: for checking, and for /api/openapi.json. */

import { z } from '@hono/zod-openapi';
import { VERDICTS } from '@rollcall/semconv';
import { runPageSchema, runPath } from './tracking-schemas.ts';

const text = (most: number) => z.string().min(1).max(most);
const limit = (preset: number, most: number) => z.coerce.number().int().min(1).max(most).default(preset);
const days = (preset: number) => z.coerce.number().int().min(1).max(366).default(preset);
const verdict = z.enum(VERDICTS);
const ms = z.number().openapi({ description: 'Milliseconds since 1970, or of duration' });

const runSummary = runPageSchema.shape.runs.element;

const usual = z
  .object({ lowMs: z.number(), medianMs: z.number(), highMs: z.number(), runs: z.number().int() })
  .openapi('Usual');
const schedule = z
  .object({
    job: z.string(),
    nextDue: z.string().nullable(),
    lateSince: z.string().nullable(),
    missed: z.number().int(),
    isTooLong: z.boolean(),
  })
  .openapi('Schedule');

export const nowQuery = z.strictObject({ limit: limit(30, 100) });
export const nowSchema = z
  .object({
    at: z.string(),
    running: z.array(runSummary),
    latest: z.array(runSummary),
    usual: z.record(z.string(), usual),
    overdue: z.array(schedule),
  })
  .openapi('Now');

export const jobsQuery = z.strictObject({
  search: text(256).optional(),
  cursor: text(256).optional(),
  limit: limit(50, 100),
});
export const jobPageSchema = z
  .object({
    jobs: z.array(
      z
        .object({
          job: z.string(),
          runs: z.number().int(),
          recent: z.array(
            z.object({
              runId: z.string(),
              origin: z.string(),
              verdict,
              startedMs: ms.nullable(),
              durationMs: ms.nullable(),
            }),
          ),
          usual: usual.nullable(),
          schedule: schedule.nullable(),
        })
        .openapi('JobSummary'),
    ),
    total: z.number().int(),
    nextCursor: z.string().nullable(),
  })
  .openapi('JobPage');

export const jobPath = z.object({
  job: text(256).openapi({ param: { name: 'job', in: 'path' }, example: 'batch_scoring' }),
});
export const historyQuery = z.strictObject({ limit: limit(60, 200) });
export const jobHistorySchema = z
  .object({
    job: z.string(),
    runs: z.array(runSummary),
    usual: usual.nullable(),
    schedule: schedule.nullable(),
  })
  .openapi('JobHistory');
export const jobTrendsSchema = z
  .object({
    runIds: z.array(z.string()),
    metrics: z.array(
      z.object({
        metric: z.string(),
        aggregation: z.string(),
        unit: z.string(),
        values: z.array(z.number().nullable()),
      }),
    ),
  })
  .openapi('JobTrends');
export const jobClientsQuery = z.strictObject({ runs: limit(30, 60), limit: limit(100, 500) });
export const jobClientsSchema = z
  .object({
    runs: z.array(z.object({ runId: z.string(), origin: z.string() })),
    clients: z.array(z.object({ clientId: z.string(), verdicts: z.array(verdict.nullable()) })),
    total: z.number().int(),
  })
  .openapi('JobClients');

export const rollCallQuery = z.strictObject({ cursor: text(512).optional(), limit: limit(20_000, 20_000) });
export const rollCallSchema = z
  .object({
    clients: z.array(
      z
        .object({
          clientId: z.string(),
          verdict,
          startedMs: ms.optional(),
          durationMs: ms.optional(),
          lastSeenMs: ms.optional(),
          attempt: z.number().int().optional(),
          progress: z.number().optional(),
          reason: z.string().optional(),
          errorType: z.string().optional(),
          errorMessage: z.string().optional(),
          isUnexpected: z.boolean().optional(),
          isIncomplete: z.boolean().optional(),
        })
        .openapi('Answer'),
    ),
    nextCursor: z.string().nullable(),
  })
  .openapi('RollCall');

export const stepsQuery = z.strictObject({ client: text(512).optional(), limit: limit(10_000, 10_000) });
export const stepsSchema = z
  .object({
    steps: z.array(
      z
        .object({
          name: z.string(),
          clientId: z.string(),
          startedMs: ms,
          durationMs: ms,
          isError: z.boolean(),
          spanId: z.string(),
        })
        .openapi('Step'),
    ),
    isCut: z.boolean(),
  })
  .openapi('Steps');

const named = z.object({ clientId: z.string(), value: z.number() });
export const metricSpreadsSchema = z
  .object({
    metrics: z.array(
      z
        .object({
          metric: z.string(),
          aggregation: z.string(),
          unit: z.string(),
          value: z.number(),
          clients: z.number().int(),
          updatedMs: ms.nullable(),
          spread: z
            .object({
              min: z.number(),
              lower: z.number(),
              median: z.number(),
              upper: z.number(),
              max: z.number(),
              histogram: z.array(z.number().int()),
              highest: z.array(named),
              lowest: z.array(named),
            })
            .nullable(),
        })
        .openapi('MetricSpread'),
    ),
  })
  .openapi('MetricSpreads');

export const runFailuresSchema = z
  .object({
    failures: z.array(
      z
        .object({
          fingerprint: z.string(),
          errorType: z.string(),
          message: z.string(),
          stacktrace: z.string(),
          steps: z.array(z.string()),
          occurrences: z.number().int(),
          firstMs: ms,
          lastMs: ms,
          clients: z.array(z.string()),
          clientCount: z.number().int(),
          traceId: z.string(),
          spanId: z.string(),
        })
        .openapi('RunFailure'),
    ),
  })
  .openapi('RunFailures');

export const attemptsSchema = z
  .object({
    attempts: z.array(
      z
        .object({
          clientId: z.string(),
          attempt: z.number().int(),
          startedMs: ms.nullable(),
          endedMs: ms.nullable(),
          declaredStatus: z.string(),
          errorType: z.string(),
          errorMessage: z.string(),
        })
        .openapi('Attempt'),
    ),
  })
  .openapi('Attempts');

export const logsQuery = z.strictObject({
  search: text(256).optional(),
  client: text(512).optional(),
  severity: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).optional(),
  events: z
    .enum(['true', 'false'])
    .default('true')
    .openapi({ description: "Whether Rollcall's own events are told too" }),
  cursor: z
    .string()
    .regex(/^\d{1,20}\.\d{1,9}$/)
    .optional(),
  limit: limit(200, 1_000),
});
export const logsSchema = z
  .object({
    lines: z.array(
      z
        .object({
          timeMs: ms,
          severity: z.string(),
          text: z.string(),
          clientId: z.string(),
          step: z.string(),
          event: z.string(),
          traceId: z.string(),
          spanId: z.string(),
          attributes: z.record(z.string(), z.string()),
        })
        .openapi('LogLine'),
    ),
    nextCursor: z.string().nullable(),
  })
  .openapi('Logs');

const failureGroup = z
  .object({
    job: z.string(),
    fingerprint: z.string(),
    errorType: z.string(),
    message: z.string(),
    firstMs: ms,
    lastMs: ms,
    occurrences: z.number().int(),
    runs: z.number().int(),
    clients: z.number().int(),
    lastRunId: z.string(),
    perDay: z.array(z.number().int()),
  })
  .openapi('FailureGroup');
export const failureGroupsQuery = z.strictObject({
  job: text(256).optional(),
  search: text(256).optional(),
  days: days(14),
  cursor: z
    .string()
    .regex(/^\d{1,6}$/)
    .optional(),
  limit: limit(50, 200),
});
export const failureGroupsSchema = z
  .object({ groups: z.array(failureGroup), nextCursor: z.string().nullable() })
  .openapi('FailureGroups');
export const failureGroupPath = jobPath.extend({
  fingerprint: z
    .string()
    .regex(/^[0-9a-zA-Z]{1,64}$/)
    .openapi({ param: { name: 'fingerprint', in: 'path' } }),
});
export const failureGroupQuery = z.strictObject({ days: days(14) });
export const failureGroupSchema = z
  .object({
    group: failureGroup,
    stacktrace: z.string(),
    steps: z.array(z.string()),
    occurrences: z.array(
      z.object({
        runId: z.string(),
        clientId: z.string(),
        step: z.string(),
        message: z.string(),
        timeMs: ms,
        traceId: z.string(),
      }),
    ),
  })
  .openapi('FailureGroupDetail');

export const clientIdPath = z.object({
  clientId: text(512).openapi({ param: { name: 'clientId', in: 'path' }, example: 'acme' }),
});
export const clientHistoryQuery = z.strictObject({
  job: text(256).optional(),
  days: days(31),
  limit: limit(100, 500),
});
export const clientHistorySchema = z
  .object({
    clientId: z.string(),
    runs: z.array(
      z
        .object({
          job: z.string(),
          runId: z.string(),
          origin: z.string(),
          verdict,
          attempt: z.number().int(),
          startedMs: ms.nullable(),
          durationMs: ms.nullable(),
          reason: z.string(),
          errorType: z.string(),
          errorMessage: z.string(),
          metrics: z.array(
            z.object({
              metric: z.string(),
              aggregation: z.string(),
              unit: z.string(),
              value: z.number(),
            }),
          ),
        })
        .openapi('ClientHistoryRun'),
    ),
    isCut: z.boolean(),
  })
  .openapi('ClientHistory');

export const searchQuery = z.strictObject({ q: text(256), limit: limit(8, 20) });
export const searchSchema = z
  .object({
    hits: z.array(
      z
        .object({
          kind: z.enum(['run', 'alias', 'trace', 'job', 'client', 'failure']),
          title: z.string(),
          detail: z.string(),
          runId: z.string().nullable(),
          clientId: z.string().nullable(),
          job: z.string().nullable(),
          fingerprint: z.string().nullable(),
        })
        .openapi('Hit'),
    ),
  })
  .openapi('Hits');

export { runPath };
