/** Whatever befalls the service, what it acknowledged is in ClickHouse, once, and the totals are exact. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { playRound } from './chaos/round.ts';
import { World } from './chaos/world.ts';
import { rollcall } from './rollcall-process.ts';

// The others are played by `npm run chaos`.
describe.each([
  ['embedded', ['killed', 'killedWhileItReplays', 'lineCutAndKilled', 'diskFull', 'clockJumps']],
  ['server', ['serverKilled', 'serverErrors', 'serverAnswersLostAndKilled']],
] as const)('ClickHouse: %s', (engine, faults) => {
  let world: World;

  beforeAll(async () => {
    world = await World.start({ engine });
    if (!world.spoolIsSmallDisk)
      process.stderr.write(
        'No disk of its own can be mounted for the spool (that needs root): its own bound stands for a full disk.\n',
      );
  });

  afterAll(async () => {
    await world[Symbol.asyncDispose]();
  });

  test.each(faults)(
    '%s: nothing is lost, nothing is doubled',
    async (fault) => {
      const outcome = await playRound(world, 1, fault);

      expect(outcome.faults).toEqual([]);
      expect(outcome.acknowledged).toBeGreaterThanOrEqual(200);
    },
    120_000,
  );

  test('after all of it every rollup agrees with the raw rows', async () => {
    const { code, stdout, stderr } = await rollcall(
      ['verify', '--data-dir', world.dataDir],
      world.commandSettings,
    );
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('Drift 0') });
  });
});
