/** A program that never awaits its job. */
import { job } from '@rollcall/sdk';

void job('not_awaited', async (run) => {
  await new Promise((resolve) => setTimeout(resolve, 20));
  run.count('Leads Processed', 1);
});
