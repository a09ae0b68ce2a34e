/** Serves the schedules of jobs under /api/v1/jobs. */

import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { VERDICTS } from '@rollcall/semconv';
import type { DeclareSchedule } from '../schedules/declare-schedule.ts';
import { readExpectedRun, type ExpectedRun } from '../schedules/expected-runs.ts';
import type { Engine } from '../store/engine.ts';
import { TrackingError } from '../tracking/tracking-error.ts';
import type { AppEnv } from './authenticate.ts';
import { createApiRoutes } from './tracking-routes.ts';
import { problemSchema } from './tracking-schemas.ts';

export interface ScheduleRoutesOptions {
  readonly engine: Engine;
  readonly declareSchedule: DeclareSchedule;
  readonly mayRead: MiddlewareHandler<AppEnv>;
  readonly mayWrite: MiddlewareHandler<AppEnv>;
}

const milliseconds = z
  .number()
  .int()
  .min(1)
  .max(366 * 86_400_000);
const givenSchema = z
  .strictObject({
    schedule: z
      .union([
        z.strictObject({
          cron: z.string().min(1).max(256).openapi({ example: '0 2 * * *' }),
          timeZone: z.string().min(1).max(64).optional().openapi({ example: 'Europe/Berlin' }),
        }),
        z.strictObject({ everyMs: milliseconds }),
        z.null(),
      ])
      .openapi({
        description:
          'A cron expression and its time zone (UTC unless given), the time from one start to the next, or null: the job has no schedule any more',
      }),
    lateAfterMs: milliseconds
      .optional()
      .openapi({ description: 'How long after it was due a start may come' }),
    maxRuntimeMs: milliseconds
      .optional()
      .openapi({ description: 'A run that takes longer is shown as running too long' }),
  })
  .openapi('NewSchedule');
const expectedSchema = z
  .object({
    project: z.string(),
    job: z.string(),
    schedule: z.enum(['declared', 'learnt', 'none']),
    expression: z.string().nullable(),
    problem: z.string().nullable(),
    state: z.enum(['on_time', 'due', 'late', 'missed', 'unknown', 'invalid', 'none']),
    lastRunId: z.string().nullable(),
    lastStartedAt: z.string().nullable(),
    lastVerdict: z.enum(VERDICTS).nullable(),
    nextDueAt: z.string().nullable(),
    lateSince: z.string().nullable(),
    missed: z.number(),
    missedSince: z.string().nullable(),
    unknown: z.number(),
    runningTooLong: z.boolean(),
    runningSince: z.string().nullable(),
    lateAfterMs: z.number().nullable(),
    maxRuntimeMs: z.number().nullable(),
  })
  .openapi('ExpectedRun');
const jobPath = z.object({
  job: z
    .string()
    .min(1)
    .max(512)
    .openapi({ param: { name: 'job', in: 'path' }, example: 'nightly_sync' }),
});
function refusal(description: string): {
  description: string;
  content: { 'application/problem+json': { schema: typeof problemSchema } };
} {
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

const answers = {
  200: {
    description: 'What is expected of the job',
    content: { 'application/json': { schema: expectedSchema } },
  },
  400: refusal('Something in the request is wrong'),
  404: refusal('There is no such job'),
  503: refusal('Not now; see Retry-After'),
} as const;

/** Reads and declares schedules. */
export function createScheduleRoutes({
  engine,
  declareSchedule,
  mayRead,
  mayWrite,
}: ScheduleRoutesOptions): OpenAPIHono<AppEnv> {
  const routes = createApiRoutes();
  const read = async (project: string, job: string): Promise<ExpectedRun> => {
    const found = await readExpectedRun(engine, project, job);
    if (found === null) throw new TrackingError('job_not_found', `Nobody has heard of a job '${job}' yet.`);
    return found;
  };
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/jobs/{job}/schedule',
      summary: 'Read when a job is due, and whether it is late',
      middleware: [mayRead],
      request: { params: jobPath },
      responses: answers,
    }),
    async (c) => c.json(await read(c.get('caller').project, c.req.valid('param').job), 200),
  );
  routes.openapi(
    createRoute({
      method: 'put',
      path: '/jobs/{job}/schedule',
      summary: 'Declare when a job is due',
      middleware: [mayWrite],
      request: {
        params: jobPath,
        body: { content: { 'application/json': { schema: givenSchema } }, required: true },
      },
      responses: answers,
    }),
    async (c) => {
      const { project } = c.get('caller');
      const { job } = c.req.valid('param');
      await declareSchedule(project, job, c.req.valid('json'));
      return c.json(await read(project, job), 200);
    },
  );
  return routes;
}
