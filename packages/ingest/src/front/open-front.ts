/** Opens the SQL port of a service with its embedded engine. */

import type { Server } from 'node:http';
import type { Logger } from 'pino';
import type { SqlConfig } from '../config.ts';
import type { KeyRing } from '../http/authenticate.ts';
import type { Engine } from '../store/engine.ts';
import { createAccounts } from './accounts.ts';
import { createFront } from './front.ts';
import { keepPassword } from './password.ts';
import { createReadOnlyRespondent } from './read-only-respondent.ts';

/** ClickHouse's own. */
export const USUAL_PORT = 8123;

export interface OpenFront {
  readonly server: Server;
  /** Where the owner's password can be read; none where it was given. */
  readonly passwordFile: string | undefined;
}

/** The server is not listening yet. Null where there is nothing to open: a ClickHouse server has its own port. */
export async function openFront({
  engine,
  keys,
  config,
  dataDir,
  log,
}: {
  engine: Engine;
  keys: KeyRing;
  config: SqlConfig;
  dataDir: string;
  log: Logger;
}): Promise<OpenFront | null> {
  if (engine.guests === undefined || config.port === 'off') return null;
  const { password, path } =
    config.password === undefined
      ? await keepPassword(dataDir)
      : { password: config.password, path: undefined };
  const respondent = await createReadOnlyRespondent({
    engine,
    guests: engine.guests,
    accountOf: createAccounts({ keys, password }),
  });
  return { server: createFront({ respondent, log }), passwordFile: path };
}
