/** Writes to disk what lies in the memory of the machine. */

import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Linux writes by itself what is 30 seconds old, and looks every five. */
const BY_ITSELF_MS = 40_000;

/**
 * Resolves when everything that was written to the file system of this folder is on its disk. Node can sync single files,
 * of which the engine has made hundreds; the program `sync` asks for all of them at once (`syncfs`). Where it can not be
 * run, the machine is given the time that it takes by itself.
 * @throws Error where the disk does not take what was written: of that the next call knows nothing any more.
 */
export async function syncDisk(folder: string): Promise<void> {
  try {
    await run('sync', ['-f', folder]);
  } catch (error) {
    if (!isFailureOf(error)) await pause(BY_ITSELF_MS, undefined, { ref: false });
    // One that knows no `-f` syncs all file systems.
    else if (/option|usage/i.test(error.stderr)) await run('sync');
    else throw error;
  }
}

/** Whether the program ran, and failed. */
function isFailureOf(error: unknown): error is Error & { code: number; stderr: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'number';
}
