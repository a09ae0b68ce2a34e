/** Finds where the telemetry of `rollcall exec` goes. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GlobalOptions } from '../reader/reader.ts';
import type { Destination } from './environment.ts';

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4318';

/** `--url`, else what OpenTelemetry is told, else the service that holds the data folder, else the usual place. */
export async function findDestination(
  { url, dataDir }: GlobalOptions,
  env: NodeJS.ProcessEnv,
): Promise<Destination> {
  const apiKey = env['ROLLCALL_API_KEY'] || undefined;
  const told = url ?? (env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() || undefined);
  if (told !== undefined) return { endpoint: told, apiKey };
  const folder = dataDir ?? (env['ROLLCALL_DATA_DIR'] || '.rollcall');
  // The ingest package is only loaded where there may be something to find.
  if (existsSync(join(folder, 'service.json'))) {
    const { findService } = await import('@rollcall/ingest');
    const service = await findService(folder);
    if (service !== null) return { endpoint: service.url, apiKey: apiKey ?? service.localKey };
  }
  return { endpoint: DEFAULT_ENDPOINT, apiKey };
}
