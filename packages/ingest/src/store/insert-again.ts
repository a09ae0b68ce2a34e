/** Inserts a file once more on a server, where the first time was cut off: nobody knows whether it happened. */

import { createHash, randomUUID } from 'node:crypto';
import { completeInsert } from './complete-insert.ts';
import type { FileInsert, Parameters } from './engine.ts';
import { EngineError } from './engine-error.ts';

export interface AgainOptions {
  readonly database: string;
  readonly insert: FileInsert;
  readonly columns: readonly string[];
  readonly rows: <Row>(sql: string, parameters?: Parameters) => Promise<Row[]>;
  readonly command: (sql: string) => Promise<void>;
  /** Sends the file to this table. */
  readonly send: (table: string) => Promise<void>;
}

const PREFIX = 'insert_again_';

/** Names the statement that inserts under a token, so that it is found while it still runs. */
export function queryIdOf(token: string): string {
  return `rollcall-${createHash('sha256').update(token).digest('hex').slice(0, 32)}`;
}

/**
 * The server can not read our files: the rows go into a table of their own first, and are compared there.
 * @throws EngineError `busy` while the first time still runs
 */
export async function insertAgain({ insert, ...options }: AgainOptions): Promise<void> {
  const { rows, command } = options;
  const running = await rows('SELECT 1 FROM system.processes WHERE query_id = {id:String}', {
    id: queryIdOf(insert.token),
  });
  if (running.length > 0) {
    throw new EngineError('busy', 'The server is still busy with the first try of this insert.');
  }
  await dropLeftovers(options);
  const staging = `${PREFIX}${randomUUID().replaceAll('-', '')}`;
  await command(`CREATE TABLE ${staging} AS ${insert.table} ENGINE = Memory`);
  try {
    await options.send(staging);
    await completeInsert({ ...options, table: insert.table, source: staging });
  } finally {
    // Where the server is away again, the next who inserts again drops it.
    await command(`DROP TABLE IF EXISTS ${staging}`).catch(() => undefined);
  }
}

/** Of a service that was killed in between; nobody needs an hour for one file. */
async function dropLeftovers({ rows, command }: Pick<AgainOptions, 'rows' | 'command'>): Promise<void> {
  const found = await rows<{ name: string }>(
    `SELECT name FROM system.tables
     WHERE database = currentDatabase() AND startsWith(name, {prefix:String}) AND metadata_modification_time < now() - INTERVAL 1 HOUR`,
    { prefix: PREFIX },
  );
  for (const { name } of found) await command(`DROP TABLE IF EXISTS ${name}`);
}
