/** Serves the tracking API under /api/v1/runs. */

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { readClientRuns } from '../tracking/records.ts';
import type { Tracker } from '../tracking/tracker.ts';
import { TrackingError, type TrackingErrorCode } from '../tracking/tracking-error.ts';
import type { Engine } from '../store/engine.ts';
import type { AppEnv } from './authenticate.ts';
import { problem } from './problem.ts';
import * as schemas from './tracking-schemas.ts';

const HTTP_STATUS = {
  invalid_request: 400,
  invalid_run_id: 400,
  invalid_client_id: 400,
  invalid_metric: 400,
  run_not_found: 404,
  client_run_not_found: 404,
  job_not_found: 404,
  invalid_schedule: 400,
  run_id_conflict: 409,
  already_ended: 409,
  attempt_over: 409,
  attempt_gap: 409,
  alias_taken: 409,
  overlap_refused: 409,
  idempotency_key_reused: 422,
  busy: 503,
} as const satisfies Record<TrackingErrorCode, number>;

const BUSY_RETRY_AFTER_S = '5';

export interface TrackingRoutesOptions {
  readonly engine: Engine;
  readonly tracker: Tracker;
  readonly mayRead: MiddlewareHandler<AppEnv>;
  readonly mayWrite: MiddlewareHandler<AppEnv>;
}

/** All paths of docs/tracking-api.md, and the description of itself. */
export function createTrackingRoutes({
  engine,
  tracker,
  mayRead,
  mayWrite,
}: TrackingRoutesOptions): OpenAPIHono<AppEnv> {
  const routes = createApiRoutes();
  const project = (c: Context<AppEnv>): string => c.get('caller').project;
  const replays = new Replays();

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs',
      summary: 'Create a job run, and claim its run ID',
      middleware: [mayWrite, replays.middleware],
      request: { body: json(schemas.newRunSchema) },
      responses: {
        ...ok(200, schemas.jobRunRecordSchema),
        ...ok(201, schemas.jobRunRecordSchema),
        ...refusals,
      },
    }),
    async (c) => {
      const { created, record } = await tracker.createRun(
        project(c),
        c.req.valid('json'),
        c.req.header('idempotency-key'),
      );
      return c.json(record, created ? 201 : 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs',
      summary: 'List job runs, the newest first',
      middleware: [mayRead],
      request: { query: schemas.runQuerySchema },
      responses: { ...ok(200, schemas.runPageSchema), ...refusals },
    }),
    async (c) => c.json(await tracker.listRuns({ project: project(c), ...c.req.valid('query') }), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}',
      summary: 'Read a job run by any of its names',
      middleware: [mayRead],
      request: { params: schemas.runPath },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) => c.json(await tracker.getRun(project(c), c.req.valid('param').runId), 200),
  );

  routes.openapi(
    createRoute({
      method: 'patch',
      path: '/runs/{runId}',
      summary: 'Change a job run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.runPath, body: json(schemas.runNewsSchema) },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) =>
      c.json(await tracker.updateRun(project(c), c.req.valid('param').runId, c.req.valid('json')), 200),
  );

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs/{runId}/complete',
      summary: 'End a job run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.runPath, body: json(schemas.completionSchema) },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) =>
      c.json(await tracker.updateRun(project(c), c.req.valid('param').runId, c.req.valid('json')), 200),
  );

  routes.openapi(
    createRoute({
      method: 'put',
      path: '/runs/{runId}/metrics',
      summary: 'Report current totals of a job run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.runPath, body: json(schemas.metricsSchema) },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) =>
      c.json(
        await tracker.recordRunMetrics(project(c), c.req.valid('param').runId, c.req.valid('json').metrics, {
          mode: 'totals',
        }),
        200,
      ),
  );

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs/{runId}/metrics/increment',
      summary: 'Add to sums of a job run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.runPath, body: json(schemas.incrementsSchema) },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) =>
      c.json(
        await tracker.recordRunMetrics(
          project(c),
          c.req.valid('param').runId,
          inputs(c.req.valid('json').metrics),
          { mode: 'increments', key: c.req.header('idempotency-key') },
        ),
        200,
      ),
  );

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs/{runId}/aliases',
      summary: 'Relate a legacy or foreign ID',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.runPath, body: json(schemas.aliasSchema) },
      responses: { ...ok(200, schemas.jobRunRecordSchema), ...refusals },
    }),
    async (c) =>
      c.json(await tracker.addAlias(project(c), c.req.valid('param').runId, c.req.valid('json')), 200),
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/clients',
      summary: 'List client runs, expected clients included',
      middleware: [mayRead],
      request: { params: schemas.runPath, query: schemas.clientQuerySchema },
      responses: { ...ok(200, schemas.clientPageSchema), ...refusals },
    }),
    async (c) => {
      const { verdict = '', limit, cursor = '' } = c.req.valid('query');
      const key = await tracker.findKey(project(c), c.req.valid('param').runId);
      const condition = `client_id > {after:String} AND ({verdict:String} = '' OR verdict = {verdict:String})`;
      const found = await readClientRuns(engine, key, condition, {
        after: cursor,
        verdict,
        limit: limit + 1,
      });
      const clients = found.slice(0, limit);
      return c.json(
        { clients, nextCursor: found.length > limit ? (clients.at(-1)?.clientId ?? null) : null },
        200,
      );
    },
  );

  routes.openapi(
    createRoute({
      method: 'get',
      path: '/runs/{runId}/clients/{clientId}',
      summary: 'Read a client run',
      middleware: [mayRead],
      request: { params: schemas.clientPath },
      responses: { ...ok(200, schemas.clientRunRecordSchema), ...refusals },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      return c.json(await tracker.getClientRun(project(c), runId, clientId), 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'put',
      path: '/runs/{runId}/clients/{clientId}',
      summary: 'Create a client run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.clientPath, body: json(schemas.newClientRunSchema) },
      responses: {
        ...ok(200, schemas.clientRunRecordSchema),
        ...ok(201, schemas.clientRunRecordSchema),
        ...refusals,
      },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      const { created, record } = await tracker.putClientRun(
        project(c),
        runId,
        clientId,
        c.req.valid('json'),
      );
      return c.json(record, created ? 201 : 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'patch',
      path: '/runs/{runId}/clients/{clientId}',
      summary: 'Change a client run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.clientPath, body: json(schemas.clientNewsSchema) },
      responses: { ...ok(200, schemas.clientRunRecordSchema), ...refusals },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      return c.json(await tracker.updateClientRun(project(c), runId, clientId, c.req.valid('json')), 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs/{runId}/clients/{clientId}/complete',
      summary: 'End a client run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.clientPath, body: json(schemas.completionSchema) },
      responses: { ...ok(200, schemas.clientRunRecordSchema), ...refusals },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      return c.json(await tracker.updateClientRun(project(c), runId, clientId, c.req.valid('json')), 200);
    },
  );

  routes.openapi(
    createRoute({
      method: 'put',
      path: '/runs/{runId}/clients/{clientId}/metrics',
      summary: 'Report current totals of a client run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.clientPath, body: json(schemas.metricsSchema) },
      responses: { ...ok(200, schemas.clientRunRecordSchema), ...refusals },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      return c.json(
        await tracker.recordClientMetrics(project(c), runId, clientId, c.req.valid('json').metrics, {
          mode: 'totals',
        }),
        200,
      );
    },
  );

  routes.openapi(
    createRoute({
      method: 'post',
      path: '/runs/{runId}/clients/{clientId}/metrics/increment',
      summary: 'Add to sums of a client run',
      middleware: [mayWrite, replays.middleware],
      request: { params: schemas.clientPath, body: json(schemas.incrementsSchema) },
      responses: { ...ok(200, schemas.clientRunRecordSchema), ...refusals },
    }),
    async (c) => {
      const { runId, clientId } = c.req.valid('param');
      return c.json(
        await tracker.recordClientMetrics(project(c), runId, clientId, inputs(c.req.valid('json').metrics), {
          mode: 'increments',
          key: c.req.header('idempotency-key'),
        }),
        200,
      );
    },
  );
  return routes;
}

/** Routes that answer problem+json with a stable code where a request is refused. */
export function createApiRoutes(): OpenAPIHono<AppEnv> {
  const routes = new OpenAPIHono<AppEnv>({
    defaultHook: (result, c) =>
      result.success ? undefined : problem(c, 400, 'invalid_request', z.prettifyError(result.error)),
  });
  routes.onError((failure, c) => {
    if (failure instanceof TrackingError) {
      if (failure.code === 'busy') c.header('Retry-After', BUSY_RETRY_AFTER_S);
      const extra = failure.record === undefined ? {} : { record: failure.record };
      return problem(c, HTTP_STATUS[failure.code], failure.code, failure.message, extra);
    }
    if (failure instanceof SyntaxError || (failure as { status?: number }).status === 400) {
      return problem(c, 400, 'invalid_request', `The body is not JSON: ${failure.message}`);
    }
    throw failure;
  });
  return routes;
}

/** The OpenAPI 3.1 description of all paths. */
export function describeApi(routes: OpenAPIHono<AppEnv>): object {
  return routes.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Rollcall API',
      version: '1',
      description:
        'Tracks job runs and client runs, and reads what became of them. Errors are problem+json with a stable code.',
    },
    servers: [{ url: '/api/v1' }],
  });
}

function json<Schema extends z.ZodType>(
  schema: Schema,
): { content: { 'application/json': { schema: Schema } }; required: true } {
  return { content: { 'application/json': { schema } }, required: true };
}

export function ok<Status extends 200 | 201, Schema extends z.ZodType>(
  status: Status,
  schema: Schema,
): Record<Status, { description: string; content: { 'application/json': { schema: Schema } } }> {
  const response = {
    description: status === 201 ? 'Created' : 'The stored record',
    content: { 'application/json': { schema } },
  };
  return { [status]: response };
}

const refusal = (
  description: string,
): {
  description: string;
  content: { 'application/problem+json': { schema: typeof schemas.problemSchema } };
} => ({ description, content: { 'application/problem+json': { schema: schemas.problemSchema } } });
export const refusals = {
  400: refusal('Something in the request is wrong'),
  404: refusal('There is no such run'),
  409: refusal('It contradicts what is recorded'),
  422: refusal('The idempotency key was used for another request'),
  503: refusal('Not now; see Retry-After'),
} as const;

function inputs(metrics: Record<string, number>): Record<string, { value: number }> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, { value }]));
}

interface Replay {
  readonly request: string;
  readonly answer: Promise<Response>;
}

/** Remembers the answers to keyed requests. Beyond a restart, creates and additions stay safe: their keys are stored. */
class Replays {
  readonly #known = new Map<string, Replay>();

  readonly middleware: MiddlewareHandler<AppEnv> = async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (key === undefined) return next();
    if (!/^[\x21-\x7e]{1,200}$/.test(key))
      throw new TrackingError('invalid_request', 'An Idempotency-Key has 1 to 200 visible ASCII characters.');
    const request = `${c.req.method} ${c.req.path}\n${await c.req.text()}`;
    const name = JSON.stringify([c.get('caller').project, key]);
    const known = this.#known.get(name);
    if (known !== undefined) {
      if (known.request !== request)
        throw new TrackingError(
          'idempotency_key_reused',
          `The Idempotency-Key '${key}' was used for another request; take a new one.`,
        );
      const first = (await known.answer).clone();
      first.headers.set('Idempotent-Replay', 'true');
      return first;
    }
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.#remember(name, { request, answer: promise });
    await next();
    // A refusal may turn out otherwise next time.
    if (!c.res.ok) this.#known.delete(name);
    resolve(c.res.clone());
    return undefined;
  };

  #remember(name: string, replay: Replay): void {
    this.#known.set(name, replay);
    const [oldest] = this.#known.keys();
    if (this.#known.size > 10_000 && oldest !== undefined) this.#known.delete(oldest);
  }
}
