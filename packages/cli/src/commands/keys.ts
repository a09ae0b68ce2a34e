/** `rollcall keys`: who may send and who may read. */

import type { Scope } from '@rollcall/ingest';
import { UsageError } from '../print/failure.ts';
import { drawTable } from '../print/table.ts';
import { bold, dim } from '../print/verdict.ts';
import { loadConfig, type GlobalOptions } from '../reader/reader.ts';

type Options = GlobalOptions & { json?: boolean };

export async function addKey({
  project,
  scopes,
  json = false,
  ...options
}: Options & { project: string; scopes: string }): Promise<void> {
  const ingest = await import('@rollcall/ingest');
  const wanted = scopes.split(',').map((scope) => scope.trim());
  const unknown = wanted.find((scope) => !(ingest.SCOPES as readonly string[]).includes(scope));
  if (unknown !== undefined) {
    throw new UsageError(`Unknown scope '${unknown}'; use ${ingest.SCOPES.join(', ')}.`);
  }
  const { keysFile } = await loadConfig(options);
  const { id, key } = await ingest.addKey(keysFile, { project, scopes: wanted as Scope[] });
  if (json) {
    console.log(JSON.stringify({ id, key, project, scopes: wanted }));
    return;
  }
  console.log(bold(key));
  console.log(
    dim(
      `Key ${id} of project '${project}' (${wanted.join(', ')}). Keep it: it is not shown again, and only its hash is in ${keysFile}.`,
    ),
  );
  console.log(dim('A running service takes it at its next start.'));
}

export async function listKeys({ json = false, ...options }: Options): Promise<void> {
  const { readKeys } = await import('@rollcall/ingest');
  const { keysFile } = await loadConfig(options);
  const keys = (await readKeys(keysFile)).map(({ id, project, scopes, createdAt }) => ({
    id,
    project,
    scopes,
    createdAt,
  }));
  if (json) console.log(JSON.stringify(keys, null, 2));
  else if (keys.length === 0)
    console.log("No keys: only this machine is let in. 'rollcall keys add --project NAME' makes one.");
  else
    console.log(
      drawTable(
        ['id', 'project', 'scopes', 'made'],
        keys.map((key) => [key.id, key.project, key.scopes.join(', '), key.createdAt.slice(0, 19)]),
      ),
    );
}

export async function removeKey(id: string, options: Options): Promise<void> {
  const ingest = await import('@rollcall/ingest');
  const { keysFile } = await loadConfig(options);
  if (!(await ingest.removeKey(keysFile, id))) {
    throw new UsageError(`There is no key '${id}' in ${keysFile}; 'rollcall keys list' shows them.`, {
      exitCode: 1,
    });
  }
  console.log(`Key ${id} is gone; a running service forgets it at its next start.`);
}
