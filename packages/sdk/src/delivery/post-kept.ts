/** Sends a request that was kept on disk. */

import { sdkLog } from '../faults.ts';
import type { KeptRequest } from '../spool/telemetry-file.ts';
import type { Sent } from '../spool/telemetry-spool.ts';
import type { Transport } from './transport.ts';

/** What ingest will never take is given up and named; for anything else it waits on. */
export async function postKept(
  transport: Transport,
  { path, contentType, body }: KeptRequest,
): Promise<Sent> {
  const posted = await transport.post(path, body, { contentType, isGzipped: true });
  if (posted.status === 'retry') return { status: 'stop', reason: posted.reason };
  if (posted.status !== 'accepted') sdkLog.warn(`Ingest refused a kept request to ${path}: ${posted.reason}`);
  return { status: 'done' };
}
