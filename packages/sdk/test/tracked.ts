/** Starts tracking services against a tracking API of their own, with a spool of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTrackingServices, type TrackingOptions, type TrackingServices } from '../src/index.ts';
import { TrackingApi } from './tracking-api.ts';

export interface TrackedServices extends AsyncDisposable, TrackingServices {
  api: TrackingApi;
  spoolDir: string;
  /** What the services logged. */
  log: { level: 'warn' | 'error'; message: string; fields: Record<string, unknown> }[];
  /** Services of another process, as it were: same destination, same folder. */
  another(options?: TrackingOptions): TrackingServices;
}

/** Fast retries and no patience, so that tests of failures are quick. */
const HASTY = {
  retry: { tries: 3, budgetMs: 2_000, firstPauseMs: 5, longestPauseMs: 20 },
  breaker: { failures: 1_000 },
};

export async function startTracked(options: TrackingOptions = {}): Promise<TrackedServices> {
  const api = await TrackingApi.start();
  const spoolDir = await mkdtemp(join(tmpdir(), 'rollcall-spool-'));
  const log: TrackedServices['log'] = [];
  const logger = {
    warn: (fields: Record<string, unknown>, message: string) => log.push({ level: 'warn', message, fields }),
    error: (fields: Record<string, unknown>, message: string) =>
      log.push({ level: 'error', message, fields }),
  };
  const given = { endpoint: api.endpoint, spoolDir, logger, ...HASTY, ...options };
  return {
    ...createTrackingServices(given),
    api,
    spoolDir,
    log,
    another: (more = {}) => createTrackingServices({ ...given, ...more }),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await rm(spoolDir, { recursive: true, force: true });
    },
  };
}

/** Where nothing listens. */
export async function closedEndpoint(): Promise<string> {
  const api = await TrackingApi.start();
  const { endpoint } = api;
  await api[Symbol.asyncDispose]();
  return endpoint;
}
