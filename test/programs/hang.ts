/** A job that never ends by itself: three clients done, one working for ever. */

import { job } from '@rollcall/sdk';

await job('hanging_job', async (run) => {
  run.expectClients(['a', 'b', 'c', 'stuck', 'never']);
  for (const id of ['a', 'b', 'c']) await run.client(id, (client) => client.count('Leads Processed', 10));
  await run.client('stuck', async (client) => {
    client.count('Leads Processed', 1);
    process.stdout.write(`${run.runId}\n`);
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  });
});
