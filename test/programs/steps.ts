/** Two clients, three steps that end one after the other; asks for the verdict when the first client is done. */

import { setTimeout as sleep } from 'node:timers/promises';
import { startRollcall } from '@rollcall/sdk';

const rollcall = startRollcall();
const url = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
const seen = await rollcall.job('steps_job', async (run) => {
  const second = run.client('second', async (client) => {
    await client.step('two', () => sleep(60));
    await client.step('three', () => sleep(400));
  });
  await run.client('first', (client) => client.step('one', () => sleep(5)));
  await rollcall.flush();
  await sleep(700);
  const response = await fetch(`${url}/api/v1/runs/${run.runId}`);
  const { verdict } = (await response.json()) as { verdict: string };
  await second;
  return { runId: run.runId, verdictAfterFirst: verdict };
});
await rollcall.flush();
process.stdout.write(JSON.stringify(seen));
