/** A power failure leaves a broken part for each insert that was not on disk yet. */

import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openEngine } from './engine.ts';

test('the embedded engine opens with more of them than ClickHouse puts up with by itself', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'rollcall-broken-'));
  const before = await openEngine({ dataDir, database: 'rollcall' });
  await before.command('CREATE TABLE torn (n UInt32) ENGINE = MergeTree ORDER BY n PARTITION BY n');
  await before.command(
    'INSERT INTO torn SELECT number FROM numbers(130) SETTINGS max_partitions_per_insert_block = 0',
  );
  const parts = await before.rows<{ path: string }>(
    "SELECT path FROM system.parts WHERE table = 'torn' AND active",
  );
  await before.close();
  expect(parts).toHaveLength(130);
  for (const { path } of parts.slice(1)) {
    for (const file of await readdir(path)) await truncate(join(path, file));
  }

  const after = await openEngine({ dataDir, database: 'rollcall' });

  expect(await after.rows('SELECT toUInt32(count()) AS n FROM torn')).toEqual([{ n: 1 }]);
  await after.close();
  await rm(dataDir, { recursive: true });
});
