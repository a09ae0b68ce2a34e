/** Opens the front over an engine that holds rows of two projects, on a port of its own. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pino } from 'pino';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { addKey, createKeyRing, readKeys } from '../keys/key-ring.ts';
import type { Engine } from '../store/engine.ts';
import { openFront } from './open-front.ts';

export interface FrontFixture {
  readonly url: string;
  readonly password: string;
  /** A key of project acme that may read. */
  readonly acmeKey: string;
  /** A key of project acme that may only send. */
  readonly sendingKey: string;
  /** A key that may ask across projects. */
  readonly adminKey: string;
  readonly folder: string;
  readonly engine: Engine;
  readonly dispose: () => Promise<void>;
}

/** 3 log lines of acme, 2 of globex; globex' say 'secret of globex'. */
export async function openFrontFixture(): Promise<FrontFixture> {
  const { engine, folder, dispose } = await openTemporaryEngine();
  const path = join(folder, 'rows.jsonl');
  const rows = [
    ...['first', "it's\n\nsecond", 'third'].map((body) => ({ ProjectId: 'acme', Body: body })),
    ...['secret of globex', 'more of globex'].map((body) => ({ ProjectId: 'globex', Body: body })),
  ].map((row, index) => ({
    ...row,
    RunId: `250101-00000${index}`,
    JobName: 'job',
    ReceivedAt: Math.floor(Date.now() / 1000),
  }));
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await engine.insertFile({ table: 'otel_logs', path, format: 'JSONEachRow', token: 'rows' });
  const keysFile = join(folder, 'keys.json');
  const { key: acmeKey } = await addKey(keysFile, { project: 'acme', scopes: ['read'] });
  const { key: sendingKey } = await addKey(keysFile, { project: 'acme', scopes: ['ingest'] });
  const { key: adminKey } = await addKey(keysFile, { project: 'ops', scopes: ['admin'] });
  const password = randomBytes(24).toString('base64url');
  const front = await openFront({
    engine,
    keys: createKeyRing(await readKeys(keysFile)),
    config: { host: '127.0.0.1', port: 0, password },
    dataDir: folder,
    log: pino({ level: 'silent' }),
  });
  if (front === null) throw new Error('The embedded engine has no front.');
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  return {
    url: `http://127.0.0.1:${(front.server.address() as AddressInfo).port}`,
    password,
    acmeKey,
    sendingKey,
    adminKey,
    folder,
    engine,
    dispose: async () => {
      front.server.close();
      front.server.closeAllConnections();
      await dispose();
    },
  };
}
