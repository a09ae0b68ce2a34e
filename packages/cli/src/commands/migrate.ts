/** `rollcall migrate`: the schema, brought up to date. */

import type { AppliedMigration } from '@rollcall/ingest';
import { loadConfig, type GlobalOptions } from '../reader/reader.ts';

export async function migrate({
  json = false,
  ...options
}: GlobalOptions & { json?: boolean }): Promise<void> {
  const ingest = await import('@rollcall/ingest');
  const config = await loadConfig(options);
  const service = config.clickhouseUrl === undefined ? await ingest.findService(config.dataDir) : null;
  if (service !== null) {
    console.log(
      `The service at ${service.url} holds this data and brought its schema up to date when it started.`,
    );
    return;
  }
  const engine = await ingest.openEngine(config);
  let applied: AppliedMigration[];
  try {
    applied = await ingest.migrate(engine, config);
  } finally {
    await engine.close();
  }
  if (json) console.log(JSON.stringify(applied, null, 2));
  else for (const { name, outcome } of applied) console.log(`${outcome.padEnd(10)} ${name}`);
}
