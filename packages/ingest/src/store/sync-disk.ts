/** Writes to disk what lies in the memory of the machine. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Resolves when everything that was written to the file system of this folder is on its disk. Node can sync single files,
 * of which the engine has made hundreds; the program `sync` asks for all of them at once (`syncfs`). Where there is no such
 * program, nothing is done: the machine does it by itself within half a minute.
 */
export async function syncDisk(folder: string): Promise<void> {
  try {
    await run('sync', ['-f', folder]);
  } catch {
    // One that knows no `-f` syncs all file systems.
    await run('sync').catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
