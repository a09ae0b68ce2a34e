/** Serves changes as they happen: GET /api/v1/live, server-sent events. */

import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { LiveFeed } from '../live/live-feed.ts';
import type { LiveEvent } from '../live/project-feed.ts';
import type { AppEnv } from './authenticate.ts';
import { problem } from './problem.ts';
import { createApiRoutes, refusals } from './tracking-routes.ts';

/** So that proxies do not take a quiet connection for a dead one, and the console knows that it lives. */
const HEARTBEAT_MS = 10_000;
/** A listener that takes nothing for so long is told to read everything anew. */
const MOST_WAITING = 500;

const query = z.strictObject({
  run: z.string().min(1).max(64).optional().openapi({ description: 'Only changes of this run ID' }),
  clients: z
    .enum(['true', 'false'])
    .default('true')
    .openapi({ description: 'Whether changes of client runs are sent too' }),
});

export function createLiveRoutes({
  feed,
  mayRead,
}: {
  feed: LiveFeed;
  mayRead: MiddlewareHandler<AppEnv>;
}): OpenAPIHono<AppEnv> {
  const routes = createApiRoutes();
  routes.openapi(
    createRoute({
      method: 'get',
      path: '/live',
      summary:
        'Hear of changes as they happen: server-sent events hello, run, client_runs, reset. Send Last-Event-ID to go on where you were',
      middleware: [mayRead],
      request: { query },
      responses: {
        200: {
          description: 'A stream that does not end',
          content: { 'text/event-stream': { schema: z.string() } },
        },
        ...refusals,
      },
    }),
    (c) => {
      const { run, clients } = c.req.valid('query');
      const waiting: Message[] = [];
      let wake = Promise.withResolvers<void>();
      const over = new AbortController();
      const put = (message: Message): void => {
        if (waiting.length >= MOST_WAITING) waiting.splice(0, waiting.length, { event: 'reset', data: '{}' });
        else waiting.push(message);
        wake.resolve();
      };
      const listening = feed.listen(
        c.get('caller').project,
        {
          runId: run,
          withClients: clients === 'true',
          hear: (event) => put(toMessage(event)),
          end: () => {
            over.abort();
            wake.resolve();
          },
        },
        c.req.header('last-event-id'),
      );
      if (listening.status === 'full') {
        c.header('Retry-After', '10');
        return problem(c, 503, 'busy', `${listening.most} listen already; try again in a while.`);
      }
      waiting.unshift({
        event: listening.resumed ? 'hello' : 'reset',
        data: JSON.stringify({ at: new Date().toISOString() }),
      });
      c.header('X-Accel-Buffering', 'no');
      return streamSSE(c, async (stream) => {
        const heartbeat = setInterval(() => wake.resolve(), HEARTBEAT_MS);
        stream.onAbort(() => {
          over.abort();
          wake.resolve();
        });
        try {
          while (!over.signal.aborted) {
            if (waiting.length === 0) await stream.write(': still here\n\n');
            for (let message = waiting.shift(); message !== undefined; message = waiting.shift())
              await stream.writeSSE(message);
            await wake.promise;
            wake = Promise.withResolvers<void>();
          }
        } finally {
          clearInterval(heartbeat);
          listening.leave();
        }
      });
    },
  );
  return routes;
}

interface Message {
  readonly id?: string;
  readonly event: string;
  readonly data: string;
}

function toMessage(event: LiveEvent): Message {
  const { id, type } = event;
  const data =
    event.type === 'run' ? event.run : { runId: event.runId, origin: event.origin, clients: event.clients };
  return { id, event: type, data: JSON.stringify(data) };
}
