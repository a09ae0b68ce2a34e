/** `npm run chaos -- [--minutes N] [--rounds N] [--seed N]`: rounds of faults until the time is up; what each seed does is always the same. */

import { parseArgs } from 'node:util';
import { rollcall } from '../rollcall-process.ts';
import { playRound } from './round.ts';
import { World } from './world.ts';

const VERIFY_EVERY = 20;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rounds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: '1' },
  },
});
const [minutes, rounds, firstSeed] = [values.minutes, values.rounds, values.seed].map(Number);
if (
  minutes === undefined ||
  rounds === undefined ||
  firstSeed === undefined ||
  [minutes, rounds, firstSeed].some(Number.isNaN)
) {
  console.error(
    '--minutes, --rounds and --seed are numbers, such as: npm run chaos -- --minutes 30 --seed 7',
  );
  process.exit(2);
}

const world = await World.start();
if (!world.spoolIsSmallDisk)
  console.log('No disk of its own for the spool (mounting one needs root): disks are not filled.');
const deadline = Date.now() + minutes * 60_000;
let played = 0;
let acknowledged = 0;
let failed = 0;
try {
  for (; played < rounds && Date.now() < deadline; played++) {
    const startedMs = Date.now();
    const outcome = await playRound(world, firstSeed + played);
    const faults = [...outcome.faults, ...((played + 1) % VERIFY_EVERY === 0 ? await drift(world) : [])];
    acknowledged += outcome.acknowledged;
    if (faults.length > 0) failed++;
    const took = ((Date.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `seed ${outcome.seed}  ${outcome.fault.padEnd(20)} ${took.padStart(5)} s  ${String(outcome.acknowledged).padStart(6)} acknowledged  ${faults.length === 0 ? 'all there, once' : faults.join('; ')}`,
    );
  }
  const faults = await drift(world);
  if (faults.length > 0) failed++;
  console.log(faults.length === 0 ? 'Drift 0.' : faults.join('\n'));
} finally {
  await world[Symbol.asyncDispose]();
}
console.log(`${played} rounds, ${acknowledged} records acknowledged, ${failed} rounds with faults.`);
process.exitCode = failed === 0 ? 0 : 1;

async function drift({ dataDir }: World): Promise<string[]> {
  const { code, stdout, stderr } = await rollcall(['verify', '--data-dir', dataDir]);
  return code === 0 ? [] : [`rollcall verify ended with ${code}: ${stdout}${stderr}`];
}
