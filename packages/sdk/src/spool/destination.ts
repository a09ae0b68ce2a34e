/** Names the folder of a destination. */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config.ts';

/** In each folder: the endpoint that its contents are meant for. */
export const DESTINATION_FILE = 'destination';

export function withoutCredentials(endpoint: URL): string {
  const bare = new URL(endpoint);
  bare.username = '';
  bare.password = '';
  return bare.href;
}

/** Where telemetry for a destination is kept. */
export function telemetryFolder(spoolDir: string, config: Pick<Config, 'endpoint' | 'headers'>): string {
  return join(spoolDir, 'telemetry', nameOfDestination(config));
}

/** One folder per service and key: what was meant for one project must not end up in another. */
export function nameOfDestination({ endpoint, headers }: Pick<Config, 'endpoint' | 'headers'>): string {
  const named = Object.entries(headers).map(([name, value]) => `${name.toLowerCase()}: ${value}`);
  const destination = [endpoint?.href ?? '', ...named.toSorted()].join('\n');
  return createHash('sha256').update(destination).digest('hex').slice(0, 16);
}
