/** Answers SQL over HTTP, read-only: what the command line uses while the service holds the embedded engine. */

import { Readable } from 'node:stream';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import type { Engine } from '../store/engine.ts';
import { EngineError } from '../store/engine-error.ts';
import type { AppEnv } from './authenticate.ts';
import { problem } from './problem.ts';

const requestSchema = z.object({
  query: z.string().min(1).max(1_000_000),
  /** Names a ClickHouse output format. */
  format: z
    .string()
    .regex(/^[A-Za-z]\w{0,63}$/)
    .default('JSONEachRow'),
  params: z
    .record(
      z.string().regex(/^[A-Za-z_]\w{0,63}$/),
      z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]),
    )
    .default({}),
});

/** `POST /` with `{ query, format?, params? }` answers the engine's bytes in that format. */
export function createSqlRoutes({ engine }: { engine: Engine }): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post('/', bodyLimit({ maxSize: 2_000_000 }), async (c) => {
    // A form or a plain-text post needs no leave of the browser: a page elsewhere could send one.
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) {
      return problem(c, 415, 'not_json', 'Send the statement as JSON, with Content-Type: application/json.');
    }
    const parsed = requestSchema.safeParse(await c.req.json().catch(() => null));
    if (!parsed.success) {
      const detail = z.prettifyError(parsed.error);
      return problem(
        c,
        400,
        'invalid_request',
        `Send JSON { "query": "SELECT …", "format"?, "params"? }: ${detail}`,
      );
    }
    const { query, format, params } = parsed.data;
    try {
      const result = await engine.readOnly(query, { format, parameters: params });
      c.header('Content-Type', 'application/octet-stream');
      return c.body(Readable.toWeb(result) as ReadableStream);
    } catch (error) {
      if (error instanceof EngineError)
        return problem(c, error.code === 'busy' ? 429 : 400, error.code, error.message);
      const { code, message } = error as { code?: string; message: string };
      return problem(c, 400, 'query_failed', message, { clickhouseCode: code ?? null });
    }
  });
  return routes;
}
