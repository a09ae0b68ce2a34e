/** Sends what programs on this machine could not deliver: for `rollcall flush`, and for whoever wants to do it from code. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readConfig, type RollcallOptions } from '../config.ts';
import { postKept } from '../delivery/post-kept.ts';
import { Transport } from '../delivery/transport.ts';
import { createTrackingServices } from '../services/tracking-services.ts';
import { DESTINATION_FILE, telemetryFolder, withoutCredentials } from './destination.ts';
import { TelemetrySpool } from './telemetry-spool.ts';

export interface FlushOptions extends Pick<
  RollcallOptions,
  'endpoint' | 'apiKey' | 'headers' | 'spoolDir' | 'requestTimeoutMs'
> {
  /** Also what was kept for the same endpoint under another key, such as one that was replaced since. */
  otherKeys?: boolean;
}

/** What came of it. */
export interface SpoolsFlushed {
  endpoint: string;
  spoolDir: string;
  /** Requests with telemetry that were sent. */
  sent: number;
  /** Requests that still wait for this endpoint. */
  waiting: number;
  /** Whether calls of the tracking services still wait. */
  callsWaiting: boolean;
  /** Why something was left. */
  reason?: string;
  /** What waits for other endpoints, or for this one under another key. */
  elsewhere: { endpoint: string; folder: string; waiting: number }[];
}

/** Throws where the endpoint is no URL. */
export async function flushSpools({
  otherKeys = false,
  ...options
}: FlushOptions = {}): Promise<SpoolsFlushed> {
  const config = readConfig(options);
  const { endpoint, headers, spoolDir, requestTimeoutMs } = config;
  if (endpoint === undefined) throw new TypeError(config.problems.join(' '));
  const own = telemetryFolder(spoolDir, config);
  const folders = await listFolders(spoolDir);
  const here = withoutCredentials(endpoint);
  const isMeant = ({ folder, endpoint: meant }: Found) => folder === own || (otherKeys && meant === here);
  const transport = new Transport({ endpoint, headers, requestTimeoutMs });
  // Requests do not keep a process alive by themselves.
  const alive = setInterval(() => undefined, 60_000);
  try {
    const flushed: SpoolsFlushed = {
      endpoint: here,
      spoolDir,
      sent: 0,
      waiting: 0,
      callsWaiting: false,
      elsewhere: [],
    };
    for (const found of folders) {
      const spool = new TelemetrySpool({ folder: found.folder, endpoint, maxBytes: 0 });
      if (!isMeant(found)) {
        const waiting = await spool.waiting();
        if (waiting > 0) flushed.elsewhere.push({ ...found, waiting });
        continue;
      }
      const { sent, stopped } = await spool.drain(async (request) => postKept(transport, request));
      flushed.sent += sent;
      flushed.waiting += await spool.waiting();
      if (stopped !== undefined) flushed.reason = stopped;
    }
    const { flushTrackingSpool } = createTrackingServices(options);
    flushed.callsWaiting = !(await flushTrackingSpool());
    return flushed;
  } finally {
    clearInterval(alive);
    transport.close();
  }
}

interface Found {
  endpoint: string;
  folder: string;
}

async function listFolders(spoolDir: string): Promise<Found[]> {
  const root = join(spoolDir, 'telemetry');
  const names = await readdir(root).catch((): string[] => []);
  return Promise.all(
    names.map(async (name) => {
      const folder = join(root, name);
      const endpoint = await readFile(join(folder, DESTINATION_FILE), 'utf8').catch(() => 'unknown');
      return { endpoint: endpoint.trim(), folder };
    }),
  );
}
