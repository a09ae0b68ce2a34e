/** Whatever befalls the service, what it acknowledged is in ClickHouse, once, and the totals are exact. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAULTS, type FaultName } from './chaos/faults.ts';
import { playRound } from './chaos/round.ts';
import { World } from './chaos/world.ts';
import { rollcall } from './rollcall-process.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
  if (!world.spoolIsSmallDisk)
    process.stderr.write(
      'No disk of its own can be mounted for the spool (that needs root): its own bound stands for a full disk.\n',
    );
});

afterAll(async () => {
  await world[Symbol.asyncDispose]();
});

test.each(Object.keys(FAULTS) as FaultName[])(
  '%s: nothing is lost, nothing is doubled',
  async (fault) => {
    const { acknowledged, faults } = await playRound(world, 1, fault);

    expect(faults).toEqual([]);
    expect(acknowledged).toBeGreaterThan(100);
  },
  120_000,
);

test('after all of it every rollup agrees with the raw rows', async () => {
  const { code, stdout, stderr } = await rollcall([
    'verify',

    '--data-dir',
    world.dataDir,
  ]);
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('Drift 0') });
});
