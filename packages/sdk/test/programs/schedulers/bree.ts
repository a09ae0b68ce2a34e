/** Runs worker threads with bree: one on schedule that joins its run, one by hand that fails. */
import Bree from 'bree';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('bree-jobs', import.meta.url));
const bree = new Bree({
  root,
  logger: false as never,
  defaultExtension: 'mjs',
  errorHandler: () => undefined,
  timezone: 'Europe/Vienna',
  jobs: [
    { name: 'nightly_sync', interval: 50 },
    { name: 'billing', cron: '0 3 * * *' },
    { name: 'harvest', interval: 0 },
  ],
});
const ended = async (name: string) =>
  new Promise<void>((resolve) => {
    bree.on('worker deleted', (deleted: string) => {
      if (deleted === name) resolve();
    });
  });
const synced = ended('nightly_sync');
await bree.start('nightly_sync');
await synced;
await bree.stop('nightly_sync');
const billed = ended('billing');
await bree.run('billing');
await billed;
const online = new Promise((resolve) => void bree.once('worker created', resolve));
await bree.run('harvest');
await online;
await bree.stop('harvest');
