/** A data folder with nothing but the schema, made once for all tests: to copy it takes a tenth of the time of making one. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const TEMPLATE = 'SCHEMA_TEMPLATE';
const MAIN = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

/** Called by Vitest before all tests; what it returns is called after them. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-schema-'));
  const command = ['--conditions=rollcall-source', MAIN, 'migrate', '--data-dir', folder];
  await promisify(execFile)(process.execPath, command);
  process.env[TEMPLATE] = folder;
  return async () => rm(folder, { recursive: true, force: true });
}

/** Gives a data folder that has no engine yet one with the schema. Outside of the tests it does nothing. */
export async function copySchema(dataDir: string): Promise<void> {
  const template = process.env[TEMPLATE];
  const engine = join(dataDir, 'engine');
  if (template === undefined || existsSync(engine)) return;
  await cp(join(template, 'engine'), engine, { recursive: true });
}
