/** A job over fifty clients that comes to its natural end, or is ended by `process.exit`, with a few signs of life on the way. */

import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '@rollcall/sdk';

const [how, lastsMs] = process.argv.slice(2);

await job('works_through', async (run) => {
  process.stdout.write(`${run.runId}\n`);
  const clientIds = Array.from({ length: 50 }, (_, index) => `client-${index}`);
  await run.clients(clientIds, async (client) => {
    client.count('Leads Processed', 2);
    client.last('Status', 1);
    if (client.clientId === 'client-7') throw new RangeError('no seventh client');
    await client.step('score', () => client.count('Posts Processed', 1));
  });
  await sleep(Number(lastsMs));
  if (how === 'exit') process.exit(5);
});
