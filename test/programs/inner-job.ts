/** A job that may be started under a run of its own name. */
import { job } from '@rollcall/sdk';

await job('steps', async (run) => {
  await run.client('acme', (client) => client.count('Rows', 3));
});
