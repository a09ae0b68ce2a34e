/** Serves what people look at: jobs, the parts of a run, failures, clients, search. All of it reads, and all of it is bounded. */

import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { readClientHistory } from '../console/read-clients.ts';
import { listFailureGroups, readFailureGroup } from '../console/read-failure-groups.ts';
import { listJobs, readJobClients, readJobHistory, readJobTrends } from '../console/read-jobs.ts';
import { readNow } from '../console/read-now.ts';
import { readRollCall } from '../console/read-roll-call.ts';
import {
  readAttempts,
  readLogs,
  readMetricSpreads,
  readRunFailures,
  readSteps,
} from '../console/read-run-parts.ts';
import { search } from '../console/search.ts';
import type { Engine } from '../store/engine.ts';
import type { RunKey } from '../tracking/records.ts';
import type { Tracker } from '../tracking/tracker.ts';
import type { AppEnv } from './authenticate.ts';
import * as schemas from './console-schemas.ts';
import { problem } from './problem.ts';
import { createApiRoutes, ok, refusals } from './tracking-routes.ts';

/** The lowest OpenTelemetry severity number of each. */
const SEVERITY = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const;
const MOST_ATTEMPTS = 1_000;

export interface ConsoleRoutesOptions {
  readonly engine: Engine;
  readonly tracker: Tracker;
  readonly mayRead: MiddlewareHandler<AppEnv>;
}

export function createConsoleRoutes({ engine, tracker, mayRead }: ConsoleRoutesOptions): OpenAPIHono<AppEnv> {
  const routes = createApiRoutes();
  const middleware = [mayRead];
  const project = (c: Context<AppEnv>): string => c.get('caller').project;
  /** The run that this name stands for: a run ID, one with a client, or an alias. */
  const keyOf = async (c: Context<AppEnv>, name: string): Promise<RunKey> =>
    tracker.findKey(project(c), name);

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/now',
      summary: 'What runs now, what ran last, and how long it usually takes',
      middleware,
      request: { query: schemas.nowQuery },
      responses: { ...ok(200, schemas.nowSchema), ...refusals },
    }),
    async (c) => c.json(await readNow(engine, project(c), c.req.valid('query').limit), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/jobs',
      summary: 'List jobs by name, with their latest runs',
      middleware,
      request: { query: schemas.jobsQuery },
      responses: { ...ok(200, schemas.jobPageSchema), ...refusals },
    }),
    async (c) => c.json(await listJobs(engine, project(c), defined(c.req.valid('query'))), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/jobs/{job}',
      summary: 'Read the history of a job, the newest run first',
      middleware,
      request: { params: schemas.jobPath, query: schemas.historyQuery },
      responses: { ...ok(200, schemas.jobHistorySchema), ...refusals },
    }),
    async (c) => {
      const { job } = c.req.valid('param');
      const history = await readJobHistory(engine, project(c), job, c.req.valid('query').limit);
      if (history === null)
        return problem(
          c,
          404,
          'job_not_found',
          `No run of a job '${job}' is known. GET /api/v1/jobs lists those that are.`,
        ) as never;
      return c.json(history, 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/jobs/{job}/metrics',
      summary: 'Read the trend of a job’s metrics, run by run',
      middleware,
      request: { params: schemas.jobPath, query: schemas.historyQuery },
      responses: { ...ok(200, schemas.jobTrendsSchema), ...refusals },
    }),
    async (c) =>
      c.json(
        await readJobTrends(engine, project(c), c.req.valid('param').job, c.req.valid('query').limit),
        200,
      ),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/jobs/{job}/clients',
      summary: 'Read the verdicts of a job’s clients, run by run; those in trouble first',
      middleware,
      request: { params: schemas.jobPath, query: schemas.jobClientsQuery },
      responses: { ...ok(200, schemas.jobClientsSchema), ...refusals },
    }),
    async (c) =>
      c.json(await readJobClients(engine, project(c), c.req.valid('param').job, c.req.valid('query')), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/roll-call',
      summary: 'Read every client of a run, briefly',
      middleware,
      request: { params: schemas.runPath, query: schemas.rollCallQuery },
      responses: { ...ok(200, schemas.rollCallSchema), ...refusals },
    }),
    async (c) =>
      c.json(
        await readRollCall(engine, await keyOf(c, c.req.valid('param').runId), defined(c.req.valid('query'))),
        200,
      ),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/steps',
      summary: 'Read the steps of a run that have ended, in the order in which they began',
      middleware,
      request: { params: schemas.runPath, query: schemas.stepsQuery },
      responses: { ...ok(200, schemas.stepsSchema), ...refusals },
    }),
    async (c) => {
      const { client = '', limit } = c.req.valid('query');
      const key = await keyOf(c, c.req.valid('param').runId);
      return c.json(await readSteps(engine, key, { clientId: client, limit }), 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/metrics',
      summary: 'Read the metrics of a run, and how they spread over its clients',
      middleware,
      request: { params: schemas.runPath },
      responses: { ...ok(200, schemas.metricSpreadsSchema), ...refusals },
    }),
    async (c) =>
      c.json({ metrics: await readMetricSpreads(engine, await keyOf(c, c.req.valid('param').runId)) }, 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/failures',
      summary: 'Read the failures of a run, grouped',
      middleware,
      request: { params: schemas.runPath },
      responses: { ...ok(200, schemas.runFailuresSchema), ...refusals },
    }),
    async (c) =>
      c.json({ failures: await readRunFailures(engine, await keyOf(c, c.req.valid('param').runId)) }, 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/attempts',
      summary: 'Read the tries of a run, and of its clients that were tried again',
      middleware,
      request: { params: schemas.runPath },
      responses: { ...ok(200, schemas.attemptsSchema), ...refusals },
    }),
    async (c) => {
      const key = await keyOf(c, c.req.valid('param').runId);
      return c.json({ attempts: await readAttempts(engine, key, MOST_ATTEMPTS) }, 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/logs',
      summary: 'Read the log lines and events of a run, the newest first',
      middleware,
      request: { params: schemas.runPath, query: schemas.logsQuery },
      responses: { ...ok(200, schemas.logsSchema), ...refusals },
    }),
    async (c) => {
      const { client, severity, events, ...rest } = c.req.valid('query');
      const key = await keyOf(c, c.req.valid('param').runId);
      const page = await readLogs(engine, key, {
        ...rest,
        clientId: client,
        severity: severity === undefined ? undefined : SEVERITY[severity],
        events: events === 'true',
      });
      return c.json(page, 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/failure-groups',
      summary: 'List kinds of failures, those seen last first',
      middleware,
      request: { query: schemas.failureGroupsQuery },
      responses: { ...ok(200, schemas.failureGroupsSchema), ...refusals },
    }),
    async (c) => c.json(await listFailureGroups(engine, project(c), c.req.valid('query')), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/failure-groups/{job}/{fingerprint}',
      summary: 'Read one kind of failure, with its latest occurrences',
      middleware,
      request: { params: schemas.failureGroupPath, query: schemas.failureGroupQuery },
      responses: { ...ok(200, schemas.failureGroupSchema), ...refusals },
    }),
    async (c) => {
      const query: { job: string; fingerprint: string; days: number } = {
        ...c.req.valid('param'),
        ...c.req.valid('query'),
      };
      const detail = await readFailureGroup(engine, project(c), query);
      if (detail === null)
        return problem(
          c,
          404,
          'failure_group_not_found',
          `The job '${query.job}' had no failure '${query.fingerprint}' in the last ${query.days} days. Ask for more days.`,
        ) as never;
      return c.json(detail, 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/clients/{clientId}',
      summary: 'Read the latest runs of a client, whatever the job',
      middleware,
      request: { params: schemas.clientIdPath, query: schemas.clientHistoryQuery },
      responses: { ...ok(200, schemas.clientHistorySchema), ...refusals },
    }),
    async (c) => {
      const { clientId } = c.req.valid('param');
      const query = c.req.valid('query');
      const history = await readClientHistory(engine, project(c), clientId, defined(query));
      if (history === null)
        return problem(
          c,
          404,
          'client_not_found',
          `No run with a client '${clientId}' is known in the last ${query.days} days. Ask for more days.`,
        ) as never;
      return c.json(history, 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/search',
      summary: 'Find runs by ID, alias or trace; jobs, clients and error texts',
      middleware,
      request: { query: schemas.searchQuery },
      responses: { ...ok(200, schemas.searchSchema), ...refusals },
    }),
    async (c) => {
      const { q, limit } = c.req.valid('query');
      return c.json({ hits: await search(engine, project(c), q.trim(), limit) }, 200);
    },
  );
  return routes;
}

/** Without what was not given: an option that is undefined is not the same as one that is left out. */
function defined<Query extends object>(
  query: Query,
): { [Name in keyof Query]: Exclude<Query[Name], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as never;
}
