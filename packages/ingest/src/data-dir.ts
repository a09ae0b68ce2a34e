/** Sees to it that one data folder serves one process, and tells the command line where that process is. */

import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from './store/engine-error.ts';

/** Where a running service answers. `localKey` lets the owner of the folder in, whatever keys are configured. */
export interface Announcement {
  readonly url: string;
  readonly localKey: string;
}

export interface DataDirClaim {
  announce(announcement: Announcement): Promise<void>;
  release(): Promise<void>;
}

const lockSchema = z.object({
  pid: z.number().int(),
  url: z.string().optional(),
  localKey: z.string().optional(),
});

/**
 * Takes the folder for this process, until `release`. A lock left by a process that is gone is taken over.
 * @throws EngineError `data_dir_in_use`, `data_dir_unwritable`
 */
export async function claimDataDir(dataDir: string): Promise<DataDirClaim> {
  const path = lockPath(dataDir);
  await create(dataDir, path).catch(async (error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') {
      throw new EngineError(
        'data_dir_unwritable',
        `The data folder '${dataDir}' can not be written (${code ?? message}). Name a folder of your own with ROLLCALL_DATA_DIR.`,
        { cause: error },
      );
    }
    const holder = await readLock(dataDir);
    if (holder !== null && isAlive(holder.pid)) {
      throw new EngineError(
        'data_dir_in_use',
        `The data folder '${dataDir}' is in use by process ${holder.pid}${holder.url === undefined ? '' : ` (${holder.url})`}. Stop it, or name another folder with ROLLCALL_DATA_DIR.`,
      );
    }
    await rm(path, { force: true });
    await create(dataDir, path);
  });
  return {
    announce: (announcement) =>
      writeFile(path, JSON.stringify({ pid: process.pid, ...announcement }), { mode: 0o600 }),
    release: () => rm(path, { force: true }),
  };
}

/** Finds the service that holds this folder, or null where none runs. */
export async function findService(dataDir: string): Promise<Announcement | null> {
  const holder = await readLock(dataDir);
  if (holder?.url === undefined || holder.localKey === undefined || !isAlive(holder.pid)) return null;
  return { url: holder.url, localKey: holder.localKey };
}

function lockPath(dataDir: string): string {
  return join(dataDir, 'service.json');
}

async function create(dataDir: string, path: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const file = await open(path, 'wx', 0o600);
  await file.writeFile(JSON.stringify({ pid: process.pid }));
  await file.close();
}

async function readLock(dataDir: string): Promise<z.infer<typeof lockSchema> | null> {
  try {
    return lockSchema.parse(JSON.parse(await readFile(lockPath(dataDir), 'utf8')));
  } catch {
    return null;
  }
}

/** In a container a restarted service often has its predecessor's process ID: its own ID is not another's. */
function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
