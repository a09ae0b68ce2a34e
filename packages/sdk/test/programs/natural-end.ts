/** A job in a program that then simply ends; prints when the job's own work was done. */
import { job } from '@rollcall/sdk';

const startedMs = performance.now();
const result = await job('natural_end', async (run) => {
  await run.clients(['acme', 'globex'], (client) => client.count('Leads Processed', 1));
  process.stdout.write(`worked ${Math.round(performance.now() - startedMs)} ms\n`);
  return 42;
});
process.stdout.write(`result ${result}\n`);
