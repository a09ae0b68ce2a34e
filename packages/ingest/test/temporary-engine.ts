/** Opens an embedded engine in a folder of its own, for a test file. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine, type Engine } from '../src/store/engine.ts';
import { migrate } from '../src/store/migrate.ts';
import { copySchema } from './schema-template.ts';

/** The engine has its schema. `dispose` closes it and removes the folder. */
export async function openTemporaryEngine(): Promise<{
  engine: Engine;
  folder: string;
  dispose: () => Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-engine-'));
  await copySchema(folder);
  const engine = await openEngine({ dataDir: folder, database: 'rollcall' });
  await migrate(engine, { rawRetentionDays: 90 });
  return {
    engine,
    folder,
    dispose: async () => {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
