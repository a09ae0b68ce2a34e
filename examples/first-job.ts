/** Your first job: three clients, two numbers, one failure. Start Rollcall with `npm start`, then run this file. */
import { job } from '@rollcall/sdk';

const leadsOf: Record<string, number[]> = { acme: [3, 4, 3], globex: [], initech: [20, Number.NaN] };

await job('first_job', async (run) => {
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
  console.log(`Run ${run.runId} is told; look it up with: ./rollcall show ${run.runId}`);
});

function unknownClient(clientId: string): never {
  throw new Error(`No leads are known of ${clientId}`);
}
