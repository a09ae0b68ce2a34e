/** Serves the OTLP paths and throws away what it decodes: what HTTP and transcoding cost without spool and engine. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { createOtlpRoutes } from '../src/otlp/routes.ts';
import { tuneMemory } from '../src/tune-memory.ts';

export async function listenWithoutInsert(): Promise<{ url: string; close: () => Promise<void> }> {
  tuneMemory();
  const app = createOtlpRoutes({ projectOf: () => 'bench', accept: async (take) => void take() });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
