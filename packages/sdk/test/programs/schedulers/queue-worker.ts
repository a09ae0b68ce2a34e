/** A BullMQ worker that hangs in its first attempt, so that it can be killed there, and finishes in its second. */
import { Queue, Worker } from 'bullmq';
import { count, currentRun } from '@rollcall/sdk';

const { hostname: host, port } = new URL(process.env['REDIS_URL'] ?? '');
const connection = { host, port: Number(port) };
if (process.argv[2] === 'add') {
  const queue = new Queue('invoices', { connection });
  await queue.add('billing', { tenant: 'acme' }, { attempts: 3 });
  await queue.close();
}
const worker = new Worker(
  'invoices',
  async ({ attemptsStarted }) => {
    process.stdout.write(`${currentRun()?.runId}\n`);
    count('Invoices Sent', 4);
    if (attemptsStarted === 1) await new Promise(() => undefined);
  },
  { connection, lockDuration: 500, stalledInterval: 250 },
);
worker.on('completed', () => void worker.close());
