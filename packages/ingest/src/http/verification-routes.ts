/** Takes what a comparison of rollups with raw rows has found. */

import { Hono } from 'hono';
import { z } from 'zod';
import type { HealthLog } from '../observe/health.ts';
import { problem } from './problem.ts';

const bodySchema = z.strictObject({
  rollups: z
    .array(
      z.strictObject({
        rollup: z.string().min(1).max(128),
        compared: z.number().int().min(0),
        drifted: z.number().int().min(0),
      }),
    )
    .min(1)
    .max(1_000),
});

/** `rollcall verify` tells the service that it asked, which shows it in `/metrics` and in `ingest_health`. */
export function createVerificationRoutes({
  health,
  clock,
}: {
  health: Pick<HealthLog, 'noteVerification'>;
  clock: () => number;
}): Hono {
  const routes = new Hono();
  routes.post('/', async (c) => {
    const parsed = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) return problem(c, 400, 'invalid_request', z.prettifyError(parsed.error));
    await health.noteVerification(parsed.data.rollups, clock());
    return c.body(null, 204);
  });
  return routes;
}
