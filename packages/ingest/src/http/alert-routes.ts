/** Serves what deserves attention, and the limits from which on it does, under /api/v1/alerts. */

import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { ALERT_RULES, readConditions } from '../alerts/conditions.ts';
import { readAlertSettings, writeAlertSetting } from '../alerts/settings.ts';
import type { Engine } from '../store/engine.ts';
import type { AppEnv } from './authenticate.ts';
import { createApiRoutes } from './tracking-routes.ts';
import { problemSchema } from './tracking-schemas.ts';

export interface AlertRoutesOptions {
  readonly engine: Engine;
  readonly mayRead: MiddlewareHandler<AppEnv>;
  readonly mayWrite: MiddlewareHandler<AppEnv>;
}

const rule = z.enum(ALERT_RULES);
const conditionSchema = z
  .object({
    project: z.string(),
    rule,
    severity: z.enum(['critical', 'warning']),
    job: z.string(),
    runId: z.string(),
    clientId: z.string(),
    subject: z.string(),
    since: z.string().nullable(),
    value: z.number(),
    threshold: z.number(),
    summary: z.string(),
  })
  .openapi('AlertCondition');
const settingSchema = z
  .object({ rule, job: z.string().nullable(), value: z.number().nullable(), enabled: z.boolean() })
  .openapi('AlertSetting');
const givenSchema = z
  .strictObject({
    job: z.string().min(1).max(512).optional().openapi({
      description: 'For this job; left out, for all jobs of the project',
      example: 'nightly_sync',
    }),
    value: z.number().nonnegative().nullable().optional().openapi({
      description: 'From here on the rule speaks up, in its own unit; null: its default',
      example: 3,
    }),
    enabled: z.boolean().optional().openapi({ description: 'false: the rule keeps silent' }),
  })
  .openapi('NewAlertSetting');
const refused = {
  description: 'Something in the request is wrong',
  content: { 'application/problem+json': { schema: problemSchema } },
} as const;

export function createAlertRoutes({ engine, mayRead, mayWrite }: AlertRoutesOptions): OpenAPIHono<AppEnv> {
  const routes = createApiRoutes();
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/alerts',
      summary: 'List what deserves attention now',
      middleware: [mayRead],
      request: { query: z.object({ job: z.string().max(512).optional() }) },
      responses: {
        200: {
          description: 'The conditions that hold, the severe ones first',
          content: { 'application/json': { schema: z.object({ conditions: z.array(conditionSchema) }) } },
        },
        400: refused,
      },
    }),
    async (c) => {
      const { project } = c.get('caller');
      return c.json(
        { conditions: await readConditions(engine, project, c.req.valid('query').job ?? '') },
        200,
      );
    },
  );
  const settings = {
    200: {
      description: 'The settings of the project',
      content: { 'application/json': { schema: z.object({ settings: z.array(settingSchema) }) } },
    },
    400: refused,
  } as const;
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/alerts/settings',
      summary: 'List the limits of alert rules that are not the default',
      middleware: [mayRead],
      responses: settings,
    }),
    async (c) => c.json({ settings: await readAlertSettings(engine, c.get('caller').project) }, 200),
  );
  routes.openapi(
    createRoute({
      method: 'put',
      path: '/alerts/settings/{rule}',
      summary: 'Set from when on an alert rule speaks up, for a job or for all jobs of the project',
      middleware: [mayWrite],
      request: {
        params: z.object({ rule: rule.openapi({ param: { name: 'rule', in: 'path' } }) }),
        body: { content: { 'application/json': { schema: givenSchema } }, required: true },
      },
      responses: settings,
    }),
    async (c) => {
      const { project } = c.get('caller');
      const { job = null, value = null, enabled = true } = c.req.valid('json');
      await writeAlertSetting(engine, project, { rule: c.req.valid('param').rule, job, value, enabled });
      return c.json({ settings: await readAlertSettings(engine, project) }, 200);
    },
  );
  return routes;
}
