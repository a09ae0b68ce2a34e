/** A folder of files that several processes leave to each other: each file is worked on by one of them at a time. */

import { randomUUID } from 'node:crypto';
import { readdir, rename, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const CLAIMED = /^(.+)\.([^~]+)~(\d+)~([\w-]+)$/;
/** A claim of a process on another machine counts as given up when nobody has touched it for so long. */
const STALE_CLAIM_MS = 600_000;

/** The users of folders in this process: in a container every process may have the same number. */
const LIVE = new Set<string>();

/** A file is claimed by renaming it, which only one process can. */
export class SharedFolder {
  readonly path: string;
  /** Names this user of the folder. */
  readonly user = randomUUID().slice(0, 8);
  readonly #host = hostname().replaceAll(/[^\w.-]/g, '_') || 'host';
  #files = 0;

  constructor(path: string) {
    this.path = path;
    LIVE.add(this.user);
  }

  /** A name that no other file has; names sort by time, and those of one user in the order in which they were made. */
  newName(suffix: string): string {
    const at = String(Date.now()).padStart(15, '0');
    return `${at}-${process.pid}-${this.user}-${String(++this.#files).padStart(6, '0')}${suffix}`;
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Path of the file under a name that says whose it is now. Undefined where another process was faster. */
  async claim(name: string): Promise<string | undefined> {
    const claimed = this.pathOf(`${name}.${this.#host}~${process.pid}~${this.user}`);
    return (await renamed(this.pathOf(name), claimed)) ? claimed : undefined;
  }

  /** Gives a claimed file back. */
  async release(name: string, claimed: string): Promise<void> {
    await renamed(claimed, this.pathOf(name));
  }

  /** Names of files that anybody may claim, oldest first; those among them that a dead process had claimed. */
  async free(isOurs: (name: string) => boolean): Promise<string[]> {
    const names = await readdir(this.path).catch((): string[] => []);
    const found: string[] = [];
    for (const name of names) {
      if (isOurs(name)) found.push(name);
      const [, original, host, pid, user] = CLAIMED.exec(name) ?? [];
      if (original === undefined || host === undefined || !isOurs(original)) continue;
      if (LIVE.has(user ?? '') || !(await this.#isGivenUp(name, host, Number(pid)))) continue;
      if (await renamed(this.pathOf(name), this.pathOf(original))) found.push(original);
    }
    return found.toSorted();
  }

  async #isGivenUp(name: string, host: string, pid: number): Promise<boolean> {
    if (host === this.#host) return pid === process.pid || !isAlive(pid);
    const found = await stat(this.pathOf(name)).catch(() => undefined);
    return found !== undefined && Date.now() - found.ctimeMs > STALE_CLAIM_MS;
  }
}

async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
