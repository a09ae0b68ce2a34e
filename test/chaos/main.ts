/** `npm run chaos -- [--help]`: rounds of faults until the time is up; what each seed does is always the same. */

import { parseArgs } from 'node:util';
import { rollcall } from '../rollcall-process.ts';
import { faultsOf } from './faults.ts';
import { playRound } from './round.ts';
import { World } from './world.ts';

const VERIFY_EVERY = 20;

const USAGE = `npm run chaos -- [--minutes N | --rounds N] [--seed N] [--fault NAME] [--engine embedded|server]

  --minutes N    how long; 10, unless rounds are counted
  --rounds N     how many rounds
  --seed N       of the first round (1); each next one takes the next seed
  --fault NAME   only this one
                   embedded: ${faultsOf('embedded').join(', ')}
                   server: ${faultsOf('server').join(', ')}
  --engine NAME  embedded (the default), or server: a ClickHouse server of its own`;

const values = readOptions();
const { rounds: wanted = 'Infinity', minutes: longest = values.rounds === undefined ? '10' : 'Infinity' } =
  values;
const [minutes, rounds, firstSeed] = [longest, wanted, values.seed].map(Number);
if (
  minutes === undefined ||
  rounds === undefined ||
  firstSeed === undefined ||
  [minutes, rounds, firstSeed].some(Number.isNaN)
)
  refuse('--minutes, --rounds and --seed are numbers, such as: npm run chaos -- --minutes 30 --seed 7');

if (values.engine !== 'embedded' && values.engine !== 'server')
  refuse(`There is no engine '${values.engine}'; there are: embedded, server.`);
const faults = faultsOf(values.engine);
const fault = faults.find((name) => name === values.fault);
if (values.fault !== undefined && fault === undefined)
  refuse(`There is no fault '${values.fault}'; there are: ${faults.join(', ')}.`);

const world = await World.start({ engine: values.engine });
if (!world.spoolIsSmallDisk)
  console.log('No disk of its own for the spool (mounting one needs root): disks are not filled.');
const deadline = Date.now() + minutes * 60_000;
let played = 0;
let acknowledged = 0;
let failed = 0;
try {
  for (; played < rounds && Date.now() < deadline; played++) {
    const startedMs = Date.now();
    const outcome = await playRound(world, firstSeed + played, fault);
    const found = [...outcome.faults, ...((played + 1) % VERIFY_EVERY === 0 ? await drift(world) : [])];
    acknowledged += outcome.acknowledged;
    if (found.length > 0) failed++;
    const took = ((Date.now() - startedMs) / 1000).toFixed(1);
    console.log(
      `seed ${outcome.seed}  ${outcome.fault.padEnd(20)} ${took.padStart(5)} s  ${String(outcome.acknowledged).padStart(6)} acknowledged  ${found.length === 0 ? 'all there, once' : found.join('; ')}`,
    );
  }
  const drifts = await drift(world);
  if (drifts.length > 0) failed++;
  console.log(drifts.length === 0 ? 'Drift 0.' : drifts.join('\n'));
} finally {
  await world[Symbol.asyncDispose]();
}
console.log(`${played} rounds, ${acknowledged} records acknowledged, ${failed} rounds with faults.`);
process.exitCode = failed === 0 ? 0 : 1;

function readOptions() {
  try {
    const { values: given } = parseArgs({
      options: {
        minutes: { type: 'string' },
        rounds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        fault: { type: 'string' },
        engine: { type: 'string', default: 'embedded' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (given.help !== true) return given;
  } catch (error) {
    refuse(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  console.log(USAGE);
  process.exit(0);
}

function refuse(reason: string): never {
  console.error(reason);
  process.exit(2);
}

async function drift({ dataDir, commandSettings }: World): Promise<string[]> {
  const { code, stdout, stderr } = await rollcall(['verify', '--data-dir', dataDir], commandSettings);
  return code === 0 ? [] : [`rollcall verify ended with ${code}: ${stdout}${stderr}`];
}
