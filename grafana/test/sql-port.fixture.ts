/** Opens the SQL port over an engine, for the owner and for the user of project `quiet`. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Engine } from '@rollcall/ingest';
import { pino } from 'pino';
import { openFront } from '../../packages/ingest/src/front/open-front.ts';
import { addKey, createKeyRing, readKeys } from '../../packages/ingest/src/keys/key-ring.ts';
import type { Answer } from './run-queries.ts';

export interface SqlPort {
  readonly ask: (user: string, sql: string) => Promise<Answer>;
  readonly close: () => void;
}

export async function openPort(engine: Engine, folder: string): Promise<SqlPort> {
  const keysFile = join(folder, 'keys.json');
  const { key } = await addKey(keysFile, { project: 'quiet', scopes: ['read'] });
  const password = randomBytes(24).toString('base64url');
  const front = await openFront({
    engine,
    keys: createKeyRing(await readKeys(keysFile)),
    config: { host: '127.0.0.1', port: 0, password },
    dataDir: folder,
    log: pino({ level: 'silent' }),
  });
  if (front === null) throw new Error('The engine has no SQL port.');
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  const url = `http://127.0.0.1:${(front.server.address() as AddressInfo).port}/?default_format=JSON`;
  return {
    ask: async (user, sql) => {
      const response = await fetch(url, {
        method: 'POST',
        body: sql,
        headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': user === 'rollcall' ? password : key },
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`As ${user}: ${text}\n${sql}`);
      const answer = JSON.parse(text) as { meta: Answer['columns']; data: Record<string, unknown>[] };
      return { columns: answer.meta, rows: answer.data };
    },
    close: () => {
      front.server.close();
      front.server.closeAllConnections();
    },
  };
}
