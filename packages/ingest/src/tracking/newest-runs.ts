/** Reads the keys of the newest runs, in the order of their table, and no further than it must. */

import type { Engine, Parameters } from '../store/engine.ts';

interface Key {
  readonly runId: string;
  readonly origin: string;
}

/** A row may be there in several versions until they are merged: so many times as many are read first. */
const VERSIONS = 4;

/**
 * `sql` selects rows of `run_summaries` with `runId` and `origin`, without ORDER BY and LIMIT. With LIMIT BY the engine
 * would read all of them; so versions are told apart here, and more is read where there were many.
 */
export async function readNewestRuns<Row extends Key>(
  engine: Pick<Engine, 'rows'>,
  sql: string,
  { limit, ...parameters }: Parameters & { limit: number },
): Promise<Row[]> {
  for (let most = limit * VERSIONS; ; most *= VERSIONS) {
    const rows = await engine.rows<Row>(`${sql} ORDER BY run_id DESC, origin DESC LIMIT {most:UInt32}`, {
      ...parameters,
      most,
    });
    const newest = new Map<string, Row>();
    for (const row of rows) {
      const key = `${row.runId} ${row.origin}`;
      if (!newest.has(key)) newest.set(key, row);
    }
    if (newest.size >= limit || rows.length < most) return [...newest.values()].slice(0, limit);
  }
}
