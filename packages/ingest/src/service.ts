/** Starts and stops the ingest service. */

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { hostname } from 'node:os';
import { createAdaptorServer } from '@hono/node-server';
import { consoleFolder } from '@rollcall/console';
import type { Logger } from 'pino';
import type { IngestConfig } from './config.ts';
import { Notifier } from './alerts/webhooks/notifier.ts';
import { readWebhooks } from './alerts/webhooks/webhook-file.ts';
import { claimDataDir } from './data-dir.ts';
import { openFront, USUAL_PORT } from './front/open-front.ts';
import { Admission } from './http/admission.ts';
import { createApp } from './http/app.ts';
import { guardConnections } from './http/guard-connections.ts';
import { createKeyRing, readKeys } from './keys/key-ring.ts';
import { LiveFeed } from './live/live-feed.ts';
import { createCounters, totalOf } from './observe/counters.ts';
import { HealthLog, type Health } from './observe/health.ts';
import { Hearing, waitedMs } from './observe/hearing.ts';
import { createDeclareSchedule } from './schedules/declare-schedule.ts';
import { ScheduleStore } from './schedules/schedule-store.ts';
import { ScheduleWatch } from './schedules/schedule-watch.ts';
import { ProjectShares } from './spool/project-shares.ts';
import { Repeats } from './spool/repeats.ts';
import { Spool, type SpoolBlock } from './spool/spool.ts';
import { Writer } from './spool/writer.ts';
import { openEngine, type Engine } from './store/engine.ts';
import { migrate } from './store/migrate.ts';
import { embeddedFolder } from './store/open-embedded.ts';
import { DiskSync } from './store/sync-disk.ts';
import { Tracker } from './tracking/tracker.ts';
import { TrackingError } from './tracking/tracking-error.ts';
import { Rollups } from './rollup/rollups.ts';
import { tuneMemory } from './tune-memory.ts';
import { waitAtMost } from './wait-at-most.ts';

/** A service that can not start as it was told; `code` is stable. */
export class StartError extends Error {
  readonly code: 'port_taken' | 'listen_failed' | 'keys_required';

  constructor(code: StartError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface Service {
  readonly url: string;
  readonly engine: Engine;
  /** Number of configured keys; 0 means loopback only. */
  readonly keyCount: number;
  /** ClickHouse's HTTP interface over the embedded engine; null where it is off, or another program has its usual port. */
  readonly sql: { readonly url: string; readonly passwordFile: string | undefined } | null;
  /** Lets this process in, whatever keys are configured; made anew at each start. */
  readonly localKey: string;
  /** Resolves when every row accepted so far is in ClickHouse, and rolled up. */
  flush(): Promise<void>;
  /** Answers what is in flight, brings what was accepted into ClickHouse, and lets go of the data folder. Twice is once. */
  close(): Promise<void>;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;
const DRAIN_AT_CLOSE_MS = 30_000;
const LONGEST_SYNC_AT_START_MS = 10_000;
const CUT_OFF_AT_CLOSE_MS = 3_000;
const SEAL_INTERVAL_MS = 100;
/** Where heartbeats, starts and ends arrive. */
const SIGNS_OF_LIFE = 'otel_logs';

/**
 * Opens the engine, brings the schema up to date, replays the spool, and listens.
 * @throws StartError, EngineError, KeyFileError, WebhookFileError
 */
export async function startService(config: IngestConfig, { log }: { log: Logger }): Promise<Service> {
  tuneMemory();
  await using undo = new AsyncDisposableStack();
  const claim = await claimDataDir(config.dataDir);
  undo.defer(() => claim.release());
  const storedKeys = await readKeys(config.keysFile);
  const webhooks = await readWebhooks(config.webhooksFile);
  if (storedKeys.length === 0 && !LOOPBACK.test(config.host)) {
    throw new StartError(
      'keys_required',
      `Without a key the service listens on 127.0.0.1 alone, not on '${config.host}'. Make a key first: rollcall keys add --project NAME`,
    );
  }
  const spoolFolder = `${config.dataDir}/spool`;
  // A server sees itself to what it keeps.
  const disk = config.clickhouseUrl === undefined ? new DiskSync(embeddedFolder(config.dataDir)) : undefined;
  undo.defer(() => disk?.stop());
  if (disk !== undefined && existsSync(embeddedFolder(config.dataDir))) await settleDisk(disk, log);
  const engine = await openEngine({ ...config, mode: 'create' });
  undo.defer(() => engine.close());
  await migrate(engine, config);

  const localKey = randomBytes(32).toString('base64url');
  const keys = createKeyRing(storedKeys, localKey);
  const counters = createCounters(
    () => ({
      sizeBytes: spool.sizeBytes,
      unsyncedBytes: spool.unsyncedBytes,
      depth: writer.depth,
      ageMs: spool.ageMs(),
    }),
    () => rollups.lagMs,
    () => health.verified,
  );
  const instance = `${hostname()}:${config.port}`;
  const hearing = new Hearing({
    engine,
    instance,
    behindMs: () => waitedMs({ spooledMs: spool.ageMs(SIGNS_OF_LIFE), rollupLagMs: rollups.lagMs }),
    log,
  });
  const health = new HealthLog({ engine, instance, log, read: async () => readHealth() });
  const rollups = new Rollups({ engine, log });
  undo.defer(() => rollups.close());
  const shares = new ProjectShares();
  const writer = new Writer({
    engine,
    log,
    onInserted: ({ table, token, hasRuns }, durationMs) => {
      shares.remove(token);
      counters.insertSeconds.observe({ table }, durationMs / 1000);
      if (hasRuns !== false) rollups.touched(performance.now() - durationMs);
    },
    onSetAside: ({ table, token }) => {
      shares.remove(token);
      counters.setAsideSegments.inc({ table });
    },
  });
  const admission = new Admission(config, { waitingBytes: (projectId) => shares.of(projectId) });
  undo.defer(() => writer.stop());
  await mkdir(spoolFolder, { recursive: true });
  const repeats = await Repeats.open(spoolFolder);
  const spool = await Spool.open({
    folder: spoolFolder,
    repeats,
    maxBytes: config.spoolMaxBytes,
    sync: disk && (() => disk.sync()),
    isBusy: (table) => writer.isBusy(table),
    onSealed: (segment) => writer.enqueue(segment),
    onDamage: (damage) => log.error(damage, 'a segment was damaged; a part of it was set aside'),
    onTrouble: (error) => log.error({ err: error }, 'a segment could not be finished'),
  });
  undo.defer(() => spool.close());
  writer.start(spool);
  rollups.start();

  const sealSoon = sealer(spool);
  const keep = (blocks: readonly SpoolBlock[]): Promise<{ inserted: Promise<unknown> }> =>
    persist(spool, writer, sealSoon, blocks);
  const schedules = new ScheduleWatch({ store: new ScheduleStore(engine), clock: Date.now, log });
  undo.defer(() => schedules.stop());
  const tracker = new Tracker({
    engine,
    clock: Date.now,
    persist: keep,
    settle: (names) => rollups.settle(names),
    recovered: writer
      .idle()
      .then(async () =>
        rollups
          .catchUp()
          .catch((error: unknown) => log.warn({ err: error }, 'some rollups wait for the next pass')),
      ),
  });
  const feed = new LiveFeed({ engine, clock: Date.now, log });
  undo.defer(() => feed.close());
  let isStopping = false;
  const app = createApp({
    isStopping: () => isStopping,
    engine,
    spool,
    admission,
    shares,
    repeats,
    tracker,
    declareSchedule: createDeclareSchedule({
      persist: keep,
      replan: () => schedules.tick(),
      clock: Date.now,
    }),
    feed,
    consoleFolder,
    keys,
    counters,
    health,
    log,
    limits: config,
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  guardConnections(server);
  const url = await listen(server, { host: config.host, port: config.port, variable: 'ROLLCALL_PORT' });
  undo.defer(() => stopListening(server));
  const front = await openFront({
    engine,
    keys,
    config: config.sql,
    dataDir: config.dataDir,
    log,
    onRefused: () => counters.refusedRequests.inc({ reason: 'sql_credentials' }),
  });
  const sqlUrl = front === null ? null : await listenForSql(front.server, config.sql, log);
  if (front !== null) undo.defer(() => stopListening(front.server));
  // Before the schedules, which write down that ingest is up.
  await hearing.start();
  undo.defer(() => hearing.stop());
  await health.start();
  undo.defer(() => health.stop());
  schedules.start();
  const notifier = new Notifier({
    engine,
    webhooks,
    intervalMs: config.alertIntervalMs,
    clock: Date.now,
    log,
    onOutcome: (webhook, outcome) => counters.webhookMessages.inc({ webhook, outcome }),
  });
  undo.defer(() => notifier.stop());
  notifier.start();
  await claim.announce({ url, localKey });
  log.info({ url, engine: engine.kind, place: engine.place, keys: keys.size }, 'ready');

  const parts = undo.move();
  let closed: Promise<void> | undefined;
  return {
    url,
    engine,
    sql: front === null || sqlUrl === null ? null : { url: sqlUrl, passwordFile: front.passwordFile },
    keyCount: keys.size,
    localKey,
    flush: async () => {
      await spool.seal();
      await writer.drain(DRAIN_AT_CLOSE_MS);
      await rollups.catchUp();
    },
    close: () => (closed ??= close()),
  };

  async function readHealth(): Promise<Health> {
    return {
      acceptedRows: await totalOf(counters.acceptedRows),
      refusedRecords: await totalOf(counters.refusedRecords),
      refusedRequests: await totalOf(counters.refusedRequests),
      repeatedRequests: await totalOf(counters.repeatedRequests),
      setAsideSegments: await totalOf(counters.setAsideSegments),
      spoolBytes: spool.sizeBytes,
      spoolSegments: writer.depth,
      spoolAgeMs: Math.round(spool.ageMs()),
      rollupLagMs: Math.round(rollups.lagMs),
    };
  }

  async function close(): Promise<void> {
    isStopping = true;
    // From here on nobody is heard, however long the rest takes; it is waited for where all parts are.
    void schedules.stop();
    await feed.close();
    await Promise.all([stopListening(server), ...(front === null ? [] : [stopListening(front.server)])]);
    await spool.close();
    const { left } = await writer.drain(DRAIN_AT_CLOSE_MS);
    if (left > 0) log.warn({ segments: left }, 'some rows stay in the spool and go in at the next start');
    else
      await rollups
        .catchUp()
        .catch((error: unknown) => log.warn({ err: error }, 'some rollups wait for the next start'));
    await parts.disposeAsync();
    log.info('stopped');
  }
}

/**
 * When the embedded engine opens, it deletes old parts that it has merged before; what it made of them may not be on disk
 * yet. Nothing is to be waited for where no service was before.
 */
async function settleDisk(disk: DiskSync, log: Logger): Promise<void> {
  const synced = disk
    .sync()
    .catch((error: unknown) => log.error({ err: error }, 'the disk of the data folder could not be synced'));
  await waitAtMost(LONGEST_SYNC_AT_START_MS, synced);
}

/** On disk first, then in ClickHouse. */
async function persist(
  spool: Spool,
  writer: Writer,
  sealSoon: () => void,
  blocks: readonly SpoolBlock[],
): Promise<{ inserted: Promise<unknown> }> {
  const acceptance = await spool.append(blocks);
  if (acceptance.status === 'retry')
    throw new TrackingError('busy', `Not now: ${acceptance.reason}. Try again in a while.`);
  sealSoon();
  return { inserted: Promise.all(acceptance.segments.map((token) => writer.inserted(token))) };
}

/** Whoever tracks a run over REST waits for the insert: a segment is finished at once, but at most ten times a second. */
function sealer(spool: Spool): () => void {
  let timer: NodeJS.Timeout | undefined;
  let lastMs = 0;
  return () => {
    timer ??= setTimeout(
      () => {
        timer = undefined;
        lastMs = performance.now();
        // What could not be finished is finished with the next rows, or when it is old enough.
        void spool.seal().catch(() => undefined);
      },
      Math.max(0, lastMs + SEAL_INTERVAL_MS - performance.now()),
    );
  };
}

/** Where nobody asked for that port, another ClickHouse may have it: that is no reason not to start. */
async function listenForSql(
  server: Server,
  { host, port }: IngestConfig['sql'],
  log: Logger,
): Promise<string | null> {
  const where = { host, port: typeof port === 'number' ? port : USUAL_PORT, variable: 'ROLLCALL_SQL_PORT' };
  try {
    return await listen(server, where);
  } catch (error) {
    if (port !== undefined || !(error instanceof StartError) || error.code !== 'port_taken') throw error;
    log.warn(`${error.message} Until then there is no SQL port.`);
    return null;
  }
}

async function listen(
  server: Server,
  { host, port, variable }: { host: string; port: number; variable: string },
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(
              'port_taken',
              `Port ${port} on ${host} is taken by another program. Stop it, or choose another port with ${variable}.`,
              { cause: error },
            )
          : new StartError('listen_failed', `Can not listen on ${host}:${port}: ${error.message}`, {
              cause: error,
            }),
      );
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const boundPort = typeof address === 'object' && address !== null ? address.port : port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`;
}

/**
 * Requests in flight are answered; connections are closed as soon as they are idle. A sender that keeps one busy, or
 * sends its body drop by drop, is cut off after a while: nothing of it was acknowledged.
 */
async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return;
  const sweep = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), CUT_OFF_AT_CLOSE_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearInterval(sweep);
  clearTimeout(cut);
}
