/** What can befall a service. Each fault is over, and the service up, when its promise resolves. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Condition } from './unwell-proxy.ts';
import type { World } from './world.ts';

/** `random` is from 0 to 1; a fault of one seed is always the same. */
export type Fault = (world: World, random: () => number) => Promise<void>;

const HOUR_MS = 3_600_000;

async function killed(world: World): Promise<void> {
  await world.kill();
  await world.startAgain();
}

async function killedWhileItReplays(world: World, random: () => number): Promise<void> {
  await world.kill();
  const starting = world.startAgain().then(
    () => 'started' as const,
    () => 'died' as const,
  );
  await Promise.race([starting, sleep(1_500 * random())]);
  await starting;
  await world.kill();
  await world.startAgain();
}

async function shutDown(world: World): Promise<void> {
  const { code, stderr } = await world.service.stop();
  if (code !== 0) throw new Error(`A shutdown under load ended with ${code}: ${stderr}`);
  await world.startAgain();
}

async function lineCut(world: World, random: () => number): Promise<void> {
  for (let cuts = 0; cuts < 5; cuts++) {
    await world.cutLine();
    await sleep(150 * random());
    await world.mendLine();
    await sleep(150 * random());
  }
}

async function lineCutAndKilled(world: World, random: () => number): Promise<void> {
  await world.cutLine();
  await sleep(400 * random());
  await world.kill();
  await world.startAgain();
  await world.mendLine();
}

async function diskFull(world: World, random: () => number): Promise<void> {
  if (!world.spoolIsSmallDisk) return sleep(1_000);
  const giveBack = await world.fillDisk();
  try {
    await sleep(300 + 700 * random());
    if (random() < 0.4) await killed(world);
  } finally {
    await giveBack();
  }
}

async function clockJumps(world: World, random: () => number): Promise<void> {
  for (const hours of [1, -1, 26, 0]) {
    await world.setClock(hours * HOUR_MS);
    await sleep(300 * random());
  }
  if (random() < 0.5) {
    // What was written under the wrong clock is replayed under the right one.
    await world.setClock(-3 * HOUR_MS);
    await sleep(200);
    await killed(world);
  }
}

/** A machine that was suspended, or is swapping. */
async function frozen(world: World, random: () => number): Promise<void> {
  world.service.process.kill('SIGSTOP');
  await sleep(500 + 3_000 * random());
  world.service.process.kill('SIGCONT');
}

async function serverKilled(world: World, random: () => number): Promise<void> {
  await world.killServer();
  await sleep(1_000 * random());
  await world.startServerAgain();
}

async function serverAndServiceKilled(world: World, random: () => number): Promise<void> {
  await Promise.all([world.killServer(), world.kill()]);
  await sleep(300 * random());
  await world.startServerAgain();
  await world.startAgain();
}

function serverIs(condition: Condition): Fault {
  return async (world, random) => {
    world.setServer(condition);
    await sleep(1_000 + 2_000 * random());
    world.setServer('well');
  };
}

/** The service is killed while it does not know what the server has done. */
async function serverAnswersLostAndKilled(world: World, random: () => number): Promise<void> {
  world.setServer('answers lost');
  await sleep(200 + 1_000 * random());
  await world.kill();
  world.setServer('well');
  await world.startAgain();
}

const ANYWHERE = {
  killed,
  killedWhileItReplays,
  shutDown,
  lineCut,
  lineCutAndKilled,
  diskFull,
  clockJumps,
  frozen,
} satisfies Record<string, Fault>;

const WITH_A_SERVER = {
  serverKilled,
  serverAndServiceKilled,
  serverGone: serverIs('gone'),
  serverSlow: serverIs('slow'),
  serverErrors: serverIs('errors'),
  serverAnswersLost: serverIs('answers lost'),
  serverAnswersLostAndKilled,
} satisfies Record<string, Fault>;

export type FaultName = keyof typeof ANYWHERE | keyof typeof WITH_A_SERVER;
export const FAULTS: Readonly<Record<FaultName, Fault>> = { ...ANYWHERE, ...WITH_A_SERVER };

/** Those that can befall a service with this engine. */
export function faultsOf(engine: World['engine']): FaultName[] {
  const names = Object.keys(ANYWHERE) as FaultName[];
  return engine === 'embedded' ? names : [...names, ...(Object.keys(WITH_A_SERVER) as FaultName[])];
}
