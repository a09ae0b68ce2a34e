/** A job over ten clients that lasts as long as it is told, and knows what its totals are. */

import { setTimeout as sleep } from 'node:timers/promises';
import { job } from '@rollcall/sdk';

const [name = '', lastsMs] = process.argv.slice(2);
const CLIENTS = 10;

await job(name, async (run) => {
  const clientIds = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`);
  await run.clients(clientIds, async (client) => {
    for (let n = 0; n < 10; n++) {
      client.count('posts_processed', n);
      client.max('longest_post', 100 * n);
      await sleep(Number(lastsMs) / CLIENTS / 10);
    }
  });
});
