/** Writes the console's types from the OpenAPI description that the service gives of itself: `npm run api-types`. */

import { writeFile } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfig, startService } from '@rollcall/ingest';
import { compile } from 'json-schema-to-typescript';
import { pino } from 'pino';

export const TYPES_FILE = fileURLToPath(new URL('../packages/console/src/api/types.ts', import.meta.url));

/** TypeScript for every schema that the description names. */
export async function generateTypes(description: {
  components: { schemas: Record<string, object> };
}): Promise<string> {
  const { schemas } = description.components;
  const text = JSON.stringify({
    title: 'Api',
    type: 'object',
    additionalProperties: false,
    required: Object.keys(schemas),
    properties: Object.fromEntries(
      Object.keys(schemas).map((name) => [name, { $ref: `#/components/schemas/${name}` }]),
    ),
    components: { schemas },
  });
  const closed = JSON.parse(text, (_, value: unknown) =>
    isOpenObject(value) ? { ...value, additionalProperties: false } : value,
  ) as object;
  return compile(closed, 'Api', {
    bannerComment: '/** What the REST API takes and gives. Written by `npm run api-types`; do not edit. */\n',
    format: true,
    style: { singleQuote: true, printWidth: 110 },
  });
}

/** Answers have the named fields and no others. */
function isOpenObject(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    'properties' in value &&
    'type' in value &&
    !('additionalProperties' in value)
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-types-'));
  const config = readConfig({ ROLLCALL_DATA_DIR: dataDir, ROLLCALL_PORT: '0' });
  const service = await startService(config, { log: pino({ level: 'silent' }) });
  const response = await fetch(`${service.url}/api/openapi.json`);
  await writeFile(TYPES_FILE, await generateTypes((await response.json()) as never));
  await service.close();
  await rm(dataDir, { recursive: true, force: true });
}
