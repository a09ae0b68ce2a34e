/** Describes what the tracking API takes and gives: for checking, and for /api/openapi.json. */

import { z } from '@hono/zod-openapi';
import { AGGREGATIONS, DECLARED_STATUSES, VERDICTS } from '@rollcall/semconv';

const text = (most: number) => z.string().min(1).max(most);
const time = z.iso.datetime({ offset: true }).openapi({ example: '2026-11-23T10:00:00.000Z' });
const status = z.enum(['running', ...DECLARED_STATUSES]);
const declaredStatus = z.enum(DECLARED_STATUSES);
const attempt = z.number().int().min(1).max(65_535);
const error = z.strictObject({
  type: text(256),
  message: z.string().max(65_536),
  stacktrace: z.string().max(262_144).optional(),
});
const progress = z.strictObject({ done: z.number().int().min(0), total: z.number().int().min(0).optional() });
const clientIds = z.array(z.string()).max(100_000);
/** A number, or what JSON can hold of one: '12' is 12. Nothing else is turned into a number. */
const finite = z.union([
  z.number(),
  z
    .string()
    .regex(/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i, 'is not a number')
    .transform(Number)
    .pipe(z.number()),
]);
const metrics = z.record(
  text(256),
  z.union([
    finite.transform((value) => ({ value })),
    z.strictObject({
      value: finite,
      aggregation: z.enum(AGGREGATIONS).optional(),
      unit: z.string().max(64).optional(),
    }),
  ]),
);

const news = {
  status: status.optional(),
  reason: z.string().max(4_096).optional(),
  error: error.optional(),
  attempt: attempt.optional(),
  recovered: z.boolean().optional(),
};

export const newRunSchema = z
  .strictObject({
    ...news,
    job: text(256),
    runId: text(512).optional(),
    origin: z
      .string()
      .regex(/^(?!0{32})[0-9a-f]{32}$/, 'is not a trace ID of 32 lower-case hex digits')
      .optional(),
    startedAt: time.optional(),
    endedAt: time.optional(),
    heartbeatIntervalMs: z.number().int().min(0).max(86_400_000).optional(),
    expectedClients: clientIds.optional(),
    ifTaken: z.enum(['refuse', 'next']).optional(),
    overlap: z.enum(['allow', 'refuse']).optional(),
    aliases: z
      .array(z.strictObject({ alias: text(512), kind: z.enum(['legacy', 'external']).optional() }))
      .max(100)
      .optional(),
  })
  .openapi('NewRun');

export const runNewsSchema = z
  .strictObject({
    ...news,
    progress: progress.optional(),
    expectedClients: clientIds.optional(),
    heartbeat: z.literal(true).optional(),
    upsert: z.strictObject({ job: text(256) }).optional(),
  })
  .openapi('RunNews');

export const completionSchema = z
  .strictObject({
    status: declaredStatus,
    reason: z.string().max(4_096).optional(),
    error: error.optional(),
    attempt: attempt.optional(),
    endedAt: time.optional(),
    metrics: metrics.optional(),
  })
  .openapi('Completion');

export const newClientRunSchema = z
  .strictObject({
    ...news,
    startedAt: time.optional(),
    endedAt: time.optional(),
    standalone: z.boolean().optional(),
    job: text(256).optional(),
  })
  .openapi('NewClientRun');

export const clientNewsSchema = z
  .strictObject({
    ...news,
    progress: progress.optional(),
    heartbeat: z.literal(true).optional(),
    upsert: z.boolean().optional(),
  })
  .openapi('ClientRunNews');

export const metricsSchema = z.strictObject({ metrics }).openapi('Metrics');
export const incrementsSchema = z
  .strictObject({ metrics: z.record(text(256), finite) })
  .openapi('Increments');
export const aliasSchema = z
  .strictObject({
    alias: text(512),
    kind: z.enum(['legacy', 'external']).optional(),
    clientId: z.string().optional(),
  })
  .openapi('Alias');

const limit = z.coerce.number().int().min(1).max(500).default(50);
export const runQuerySchema = z.strictObject({
  job: text(256).optional(),
  verdict: z.enum(VERDICTS).optional(),
  from: time.optional(),
  to: time.optional(),
  limit,
  cursor: text(1_024).optional(),
});
export const clientQuerySchema = z.strictObject({
  verdict: z.enum(VERDICTS).optional(),
  limit,
  cursor: text(512).optional(),
});

export const runPath = z.object({
  runId: text(512).openapi({
    param: { name: 'runId', in: 'path' },
    description: 'Run ID, with or without a client, or any alias',
    example: '261123-100000',
  }),
});
export const clientPath = runPath.extend({
  clientId: text(512).openapi({ param: { name: 'clientId', in: 'path' }, example: 'acme' }),
});

const metric = z.object({
  metric: z.string(),
  aggregation: z.enum(AGGREGATIONS),
  unit: z.string(),
  value: z.number(),
});
const common = {
  project: z.string(),
  job: z.string(),
  runId: z.string(),
  attempt: z.number().int(),
  verdict: z.enum(VERDICTS),
  declaredStatus: z.string().nullable(),
  reason: z.string().nullable(),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
  durationMs: z.number().nullable(),
  lastSeenAt: z.string().nullable(),
  progress: z.object({ done: z.number(), total: z.number().nullable() }).nullable(),
  telemetry: z.enum(['complete', 'incomplete']),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
  recovered: z.boolean(),
};

const summary = z.object({
  ...common,
  origin: z.string(),
  traceId: z.string(),
  clients: z.record(z.string(), z.number()),
  notes: z.array(z.string()),
  conflicts: z.number(),
});
export const jobRunRecordSchema = summary
  .extend({
    metrics: z.array(metric.extend({ clients: z.number() })),
    aliases: z.array(z.object({ alias: z.string(), clientId: z.string().nullable(), kind: z.string() })),
  })
  .openapi('JobRun');
export const clientRunRecordSchema = z
  .object({
    ...common,
    clientId: z.string(),
    clientRunId: z.string(),
    expected: z.boolean(),
    relation: z.enum(['child', 'orphan', 'standalone']),
    metrics: z.array(metric),
  })
  .openapi('ClientRun');
export const runPageSchema = z
  .object({ runs: z.array(summary.openapi('JobRunSummary')), nextCursor: z.string().nullable() })
  .openapi('RunPage');
export const clientPageSchema = z
  .object({ clients: z.array(clientRunRecordSchema), nextCursor: z.string().nullable() })
  .openapi('ClientRunPage');
export const problemSchema = z
  .object({ type: z.string(), title: z.string(), status: z.number(), code: z.string(), detail: z.string() })
  .openapi('Problem');
