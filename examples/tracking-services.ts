/** The worked example by explicit services: three clients, 35 leads, 20 posts, one with errors. Start Rollcall with `npm start`, then run this file. */
import { createTrackingServices, HERITAGE_METRICS } from '@rollcall/sdk';

const { unifiedJobTrackingRepository, jobMetricsService, flushTrackingSpool } = createTrackingServices({
  metrics: HERITAGE_METRICS,
});

const { runId } = await unifiedJobTrackingRepository.createJobTrackingRecord({
  jobType: 'smart_resume',
  expectedClients: ['acme', 'globex', 'initech'],
});

await unifiedJobTrackingRepository.createClientRunRecord({ runId, clientId: 'acme' });
await jobMetricsService.updateClientMetrics({
  runId,
  clientId: 'acme',
  metrics: { 'Leads Processed': 10, postsProcessed: '5', startTime: new Date() },
});
await jobMetricsService.completeClientMetrics({ runId, clientId: 'acme' });

await unifiedJobTrackingRepository.createClientRunRecord({ runId, clientId: 'globex' });
await jobMetricsService.incrementClientMetrics({
  runId,
  clientId: 'globex',
  metrics: { 'Leads Processed': 12 },
});
await jobMetricsService.incrementClientMetrics({
  runId,
  clientId: 'globex',
  metrics: { 'Leads Processed': 8 },
});
await jobMetricsService.completeClientMetrics({
  runId,
  clientId: 'globex',
  metrics: { 'Posts Processed': 15 },
});

await unifiedJobTrackingRepository.createClientRunRecord({ runId, clientId: 'initech' });
const initech = await jobMetricsService.completeClientMetrics({
  runId,
  clientId: 'initech',
  metrics: { 'Leads Processed': 5, 'Posts Processed': 0, 'Total Tokens': 'not-a-number' },
  status: 'failed',
  error: { type: 'QuotaError', message: 'out of tokens' },
});
for (const { subject, reason } of initech.refused) console.log(`Refused ${subject}: ${reason}`);

const run = await unifiedJobTrackingRepository.completeJobTrackingRecord({ runId });
if (run.stored) {
  console.log(`Run ${run.runId} is ${run.verdict}`);
  for (const { metric, value, clients } of run.metrics)
    console.log(`${metric}: ${value} (${clients} clients)`);
} else {
  console.log(`Run ${run.runId} waits on disk until Rollcall answers`);
}
await flushTrackingSpool();
