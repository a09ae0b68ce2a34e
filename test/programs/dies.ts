/** A job over three clients whose process dies in the middle, in the way that its argument names. */

import { setTimeout as sleep } from 'node:timers/promises';
import { job, type Client } from '@rollcall/sdk';

const way = process.argv[2] ?? '';
/** Ways in which nobody is left waiting. */
const GOES_ON = new Set(['normal', 'throw-in-client', 'deaf', 'busy']);

if (way === 'own-handler') process.on('SIGTERM', () => process.exit(7));
if (way === 'deaf') process.on('SIGTERM', () => process.stdout.write('heard\n'));

await job('dying_job', async (run) => {
  run.expectClients(['done', 'doomed', 'waiting']);
  process.stdout.write(`${run.runId}\n`);
  await run.client('done', (client) => client.count('Leads Processed', 10));
  if (way === 'throw-in-job') {
    announce();
    throw new RangeError('the job gave up');
  }
  const waiting = run.client('waiting', async ({ signal }) =>
    GOES_ON.has(way) ? undefined : forever(signal),
  );
  await run.client('doomed', async (client) => {
    client.count('Leads Processed', 5);
    client.progress(5, 20);
    await client.step('the fatal step', async () => die(client));
  });
  await waiting;
});

/** The moment from which the time until it is seen is taken. */
function announce(): void {
  process.stdout.write(`now ${Date.now()}\n`);
}

async function die({ signal }: Client): Promise<void> {
  switch (way) {
    case 'normal':
      announce();
      return;
    case 'throw-in-client':
      announce();
      throw new TypeError('no such lead: 4711');
    case 'rejection':
      announce();
      void Promise.reject(new TypeError('nobody caught this'));
      return forever(signal);
    case 'uncaught':
      announce();
      setTimeout(() => {
        throw new TypeError('thrown by a timer');
      }, 1);
      return forever(signal);
    case 'exit':
      announce();
      return process.exit(3);
    case 'exit-0':
      announce();
      return process.exit(0);
    case 'dry':
      announce();
      return new Promise(() => undefined);
    case 'oom':
      return eatMemory();
    case 'busy':
      block(Number(process.argv[3]));
      return;
    case 'deaf':
      announce();
      await sleep(Number(process.argv[3]));
      return;
    default:
      announce();
      return forever(signal);
  }
}

/** Until somebody ends it. */
async function forever(signal: AbortSignal): Promise<void> {
  if (way === 'dry') return new Promise(() => undefined);
  await sleep(600_000, undefined, { signal });
}

async function eatMemory(): Promise<void> {
  const eaten: object[] = [];
  for (;;) {
    for (let index = 0; index < 20_000; index++) eaten.push({ index, text: `lead ${index}` });
    await sleep(60);
  }
}

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}
