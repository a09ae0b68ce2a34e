/** Your first job: three clients, two numbers, one failure. Start Rollcall with `npm start`, then run this file. */
import { startRollcall } from '@rollcall/sdk';

const leadsOf: Record<string, number[]> = { acme: [3, 4, 3], globex: [], initech: [20, Number.NaN] };

const rollcall = startRollcall();
let runId = '';

await rollcall.job('first_job', async (run) => {
  await run.clients(['acme', 'globex', 'initech', 'hooli'], async (client) => {
    const leads = await client.step(
      'fetch',
      () => leadsOf[client.clientId] ?? unknownClient(client.clientId),
    );
    if (leads.length === 0) client.skip('no new leads');
    for (const [index, found] of leads.entries()) {
      client.count('Leads Processed', found);
      client.progress(index + 1, leads.length);
    }
  });
  runId = run.runId;
});

console.log(
  (await rollcall.flush())
    ? `Rollcall knows run ${runId}; look it up with: ./rollcall show ${runId}`
    : `Rollcall did not take run ${runId}. Is it running? Start it with: npm start`,
);

function unknownClient(clientId: string): never {
  throw new Error(`No leads are known of ${clientId}`);
}
