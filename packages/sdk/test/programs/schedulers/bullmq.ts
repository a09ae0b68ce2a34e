/** Queues jobs with BullMQ and works them off: from within a run and from outside, with retries, on schedule, in a flow. */
import { DelayedError, FlowProducer, Queue, Worker, type Job } from 'bullmq';
import { job, count, currentRun } from '@rollcall/sdk';

const { hostname: host, port } = new URL(process.env['REDIS_URL'] ?? '');
const connection = { host, port: Number(port) };
const queue = new Queue('leads', { connection });
const flows = new FlowProducer({ connection });
const failures = new Map<string, number>();
const runs: Record<string, (string | undefined)[]> = {};

async function work(
  one: Job<{ tenant?: string; fail?: number; leads?: number }>,
  token?: string,
): Promise<number> {
  (runs[one.name] ??= []).push(currentRun()?.runId);
  if (one.name === 'later' && !failures.has('later')) {
    failures.set('later', 1);
    await one.moveToDelayed(Date.now() + 50, token);
    throw new DelayedError();
  }
  const failed = failures.get(one.id ?? '') ?? 0;
  if (failed < (one.data.fail ?? 0)) {
    failures.set(one.id ?? '', failed + 1);
    throw new RangeError(`failure ${failed + 1}`);
  }
  count('Leads Processed', one.data.leads ?? 1);
  return 1;
}

const worker = new Worker('leads', work, { connection, concurrency: 3 });
let left = 0;
const { promise: allDone, resolve } = Promise.withResolvers<void>();
worker.on('completed', () => {
  left--;
  if (left === 0) resolve();
});
const adding = (jobs: number) => (left += jobs);

adding(11);
await job('nightly', async () => {
  await queue.addBulk([
    { name: 'score', data: { tenant: 'acme', leads: 10 } },
    { name: 'score', data: { tenant: 'globex', leads: 20, fail: 1 }, opts: { attempts: 2 } },
  ]);
  await queue.add('tidy', { leads: 5 });
  await flows.add({
    name: 'merge',
    queueName: 'leads',
    data: { tenant: 'initech' },
    children: [{ name: 'split', queueName: 'leads', data: { tenant: 'hooli' } }],
  });
});
await queue.add('report', { fail: 2 }, { attempts: 3, delay: 20 });
await queue.add('single', { tenant: 'umbrella', fail: 1 }, { attempts: 2, jobId: 'chosen' });
await queue.add('later', {});
await queue.add('private', {});
await queue.upsertJobScheduler('hourly', { every: 100, limit: 2 }, { name: 'sweep' });
await allDone;
await queue.removeJobScheduler('hourly');
await worker.close();
await queue.close();
await flows.close();
process.stdout.write(JSON.stringify(runs));
