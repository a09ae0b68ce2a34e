/** A program that calls process.exit as soon as its job is over, as many do. */
import { job } from '@rollcall/sdk';

await job('exit_after_job', async (run) => {
  await run.clients(['acme', 'globex'], (client) => client.count('Leads Processed', 1));
});
process.exit(3);
