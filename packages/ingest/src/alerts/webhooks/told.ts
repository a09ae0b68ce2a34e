/** Remembers what each webhook was told. */

import type { Engine } from '../../store/engine.ts';
import type { AlertCondition } from '../conditions.ts';
import type { Change } from './message.ts';

/** What was told and is not over, as the receiver knows it. */
export interface Told {
  readonly condition: AlertCondition;
  readonly atMs: number;
}

/** Parameters travel in the URL; a server takes 128 KiB of one (`http_max_field_value_size`). */
const CHUNK_BYTES = 64 * 1024;

/** While it lasts these stay as they are. */
export function keyOf({ rule, project, job, runId, clientId, subject }: AlertCondition): string {
  return JSON.stringify([rule, project, job, runId, clientId, subject]);
}

export async function readTold(engine: Engine, webhook: string): Promise<Map<string, Told>> {
  const rows = await engine.rows<{ key: string; condition: string; at: string }>(
    `SELECT condition_key AS key, condition, toString(toUnixTimestamp64Milli(told_at)) AS at
     FROM alert_notifications FINAL WHERE webhook = {webhook:String} AND status = 'firing'`,
    { webhook },
  );
  return new Map(
    rows.map(({ key, condition, at }) => [
      key,
      { condition: JSON.parse(condition) as AlertCondition, atMs: Number(at) },
    ]),
  );
}

export async function writeTold(engine: Engine, webhook: string, changes: readonly Change[]): Promise<void> {
  const rows = changes.map(({ status, condition }) =>
    JSON.stringify({
      key: keyOf(condition),
      status: status === 'resolved' ? 'resolved' : 'firing',
      condition: JSON.stringify(condition),
    }),
  );
  for (const chunk of inChunks(rows)) {
    await engine.command(
      `INSERT INTO alert_notifications (webhook, condition_key, status, condition)
       SELECT {webhook:String}, JSONExtractString(row, 'key'), JSONExtractString(row, 'status'), JSONExtractString(row, 'condition')
       FROM (SELECT arrayJoin({rows:Array(String)}) AS row)`,
      { webhook, rows: chunk },
    );
  }
}

function* inChunks(rows: readonly string[]): Generator<string[]> {
  let chunk: string[] = [];
  let sizeBytes = 0;
  for (const row of rows) {
    const rowBytes = encodeURIComponent(row).length;
    if (chunk.length > 0 && sizeBytes + rowBytes > CHUNK_BYTES) {
      yield chunk;
      chunk = [];
      sizeBytes = 0;
    }
    chunk.push(row);
    sizeBytes += rowBytes;
  }
  if (chunk.length > 0) yield chunk;
}
