/** Puts the service's paths together. */

import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { Logger } from 'pino';
import { encodingOf, errorResponse } from '../otlp/responses.ts';
import { createOtlpRoutes } from '../otlp/routes.ts';
import type { Counters } from '../observe/counters.ts';
import type { HealthLog } from '../observe/health.ts';
import type { LiveFeed } from '../live/live-feed.ts';
import type { DeclareSchedule } from '../schedules/declare-schedule.ts';
import type { ProjectShares } from '../spool/project-shares.ts';
import type { Repeats } from '../spool/repeats.ts';
import type { Spool } from '../spool/spool.ts';
import type { Engine } from '../store/engine.ts';
import type { Tracker } from '../tracking/tracker.ts';
import type { Admission } from './admission.ts';
import { createAlertRoutes } from './alert-routes.ts';
import { authenticate, type AppEnv, type KeyRing } from './authenticate.ts';
import { drawApiPage } from './api-page.ts';
import { createConsoleRoutes } from './console-routes.ts';
import { createLiveRoutes } from './live-routes.ts';
import { problem } from './problem.ts';
import { createSqlRoutes } from './sql-routes.ts';
import { createScheduleRoutes } from './schedule-routes.ts';
import { createStaticConsole } from './static-console.ts';
import { createApiRoutes, createTrackingRoutes, describeApi } from './tracking-routes.ts';
import { createVerificationRoutes } from './verification-routes.ts';

export interface AppOptions {
  /** While it is, nothing new is taken: senders hear 503 and that the connection ends. */
  readonly isStopping: () => boolean;
  readonly engine: Engine;
  readonly spool: Spool;
  readonly admission: Admission;
  readonly shares: ProjectShares;
  readonly repeats: Repeats;
  readonly tracker: Tracker;
  readonly declareSchedule: DeclareSchedule;
  readonly feed: LiveFeed;
  /** Folder of the built console. */
  readonly consoleFolder: string;
  readonly keys: KeyRing;
  readonly counters: Counters;
  readonly health: HealthLog;
  readonly log: Logger;
  readonly limits: { readonly maxBodyBytes: number; readonly maxInflatedBytes: number };
}

/** Makes the whole HTTP application; it can be asked with `app.request()` without a port. */
export function createApp({
  isStopping,
  engine,
  spool,
  admission,
  shares,
  repeats,
  tracker,
  declareSchedule,
  feed,
  consoleFolder,
  keys,
  counters,
  health,
  log,
  limits,
}: AppOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const onRefused = (reason: string): void => counters.refusedRequests.inc({ reason });

  app.use(async (c, next) => {
    if (!isStopping()) return next();
    c.header('Connection', 'close');
    c.header('Retry-After', '5');
    return problem(c, 503, 'stopping', 'The service is stopping; send it again in a while.');
  });
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const state = { clickhouse: await engine.ping().catch(() => false), spool: spool.hasRoom };
    return c.json(state, state.clickhouse && state.spool ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.body(await counters.text(), 200, { 'Content-Type': counters.contentType }),
  );

  app.use(
    '/v1/*',
    authenticate(keys, 'ingest', {
      onRefused,
      refuse: (c, { httpStatus, detail }) =>
        errorResponse(httpStatus, encodingOf(c.req.header('content-type')) ?? 'json', detail),
    }),
  );
  app.route(
    '/',
    createOtlpRoutes({
      limits,
      clock: Date.now,
      projectOf: (c) =>
        (c as { get: (key: 'caller') => AppEnv['Variables']['caller'] }).get('caller').project,
      enter: (projectId, sizeBytes) => admission.enter(projectId, sizeBytes),
      refusal: () => spool.refusal(),
      repeats,
      onRepeated: ({ signal }) => counters.repeatedRequests.inc({ signal }),
      accept: async (take, { projectId, tables, sizeBytes }) => {
        const acceptance = await spool.append(take);
        // Asked for in the same breath as the refusal above: it can not have changed its mind.
        if (acceptance.status === 'retry') throw new Error(acceptance.reason);
        shares.add(projectId, sizeBytes, acceptance.segments);
        for (const { table, rows } of tables) counters.acceptedRows.inc({ table }, rows);
      },
      onRefused: (reason, count) => counters.refusedRecords.inc({ reason }, count),
      onError: (error) =>
        log.error({ err: error }, 'rows could not be kept; the sender is told to try again'),
    }),
  );
  const mayRead = authenticate(keys, 'read', { onRefused });
  const mayWrite = authenticate(keys, 'ingest', { onRefused });
  const api = createApiRoutes();
  api.route('/', createTrackingRoutes({ engine, tracker, mayRead, mayWrite }));
  api.route('/', createScheduleRoutes({ engine, declareSchedule, mayRead, mayWrite }));
  api.route('/', createAlertRoutes({ engine, mayRead, mayWrite }));
  api.route('/', createConsoleRoutes({ engine, tracker, mayRead }));
  api.route('/', createLiveRoutes({ feed, mayRead }));
  const description = describeApi(api);
  const bounded = bodyLimit({
    maxSize: limits.maxBodyBytes,
    onError: (c) => problem(c, 413, 'too_large', `A body has at most ${limits.maxBodyBytes} bytes here.`),
  });
  app.use('/api/v1/runs/*', bounded);
  app.use('/api/v1/jobs/*', bounded);
  app.use('/api/v1/alerts/*', bounded);
  app.route('/api/v1', api);
  app.get('/api/openapi.json', (c) => c.json(description));
  app.get('/api/docs', (c) => {
    c.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'");
    return c.html(drawApiPage(description));
  });

  const isOwner = authenticate(keys, 'admin', { onRefused, alwaysByKey: true });
  app.use('/api/v1/sql', isOwner);
  app.route('/api/v1/sql', createSqlRoutes({ engine }));
  app.use('/api/v1/verifications', isOwner, bounded);
  app.route('/api/v1/verifications', createVerificationRoutes({ health, clock: Date.now }));

  app.route('/', createStaticConsole(consoleFolder));
  app.notFound((c) =>
    problem(
      c,
      404,
      'unknown_path',
      `There is no ${c.req.method} ${c.req.path} here. OTLP goes to /v1/traces, /v1/metrics and /v1/logs.`,
    ),
  );
  app.onError((error, c) => {
    if (error instanceof HTTPException) return problem(c, error.status, 'http_error', error.message);
    log.error({ err: error, path: c.req.path }, 'request failed');
    return problem(c, 500, 'internal_error', 'The service failed; its log says more.');
  });
  return app;
}
