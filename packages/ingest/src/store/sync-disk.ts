/** Writes to disk what lies in the memory of the machine. */

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';

/** Linux writes by itself what is 30 seconds old, and looks every five. */
const BY_ITSELF_MS = 40_000;

/**
 * Syncs once for each line that it reads, and answers with the exit code and the reason. A `sync` that knows no `-f` syncs
 * all file systems.
 */
const HELPER = `
set -f
case $(sync --help 2>&1) in *-f*) set -- -f "$1" ;; *) set -- ;; esac
while read -r line; do
  told=$(sync "$@" 2>&1)
  echo $? $told
done`;
const NOT_FOUND = '127';

type Helper = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Syncs the file system of a folder. Node can sync single files, of which the engine has made hundreds; the program `sync`
 * asks for all of them at once (`syncfs`). To start a program takes a service with much memory tens of milliseconds, in
 * which it does nothing else; so a small shell is started once, before there is much, and starts it.
 */
export class DiskSync {
  readonly #folder: string;
  #helper: Helper | undefined;
  /** Who waits for an answer, in the order of the questions. */
  readonly #waiting: { readonly resolve: (answer: string | null) => void }[] = [];

  constructor(folder: string) {
    this.#folder = folder;
    this.#helper = this.#start();
  }

  /**
   * Resolves when everything that was written to the file system is on its disk. Where the program can not be run, the
   * machine is given the time that it takes by itself.
   * @throws Error where the disk does not take what was written: of that the next call knows nothing any more.
   */
  async sync(): Promise<void> {
    const answer = await this.#ask();
    const [, code, reason] = /^(\d+) ?(.*)$/.exec(answer ?? '') ?? [];
    if (code === undefined || code === NOT_FOUND) await pause(BY_ITSELF_MS, undefined, { ref: false });
    else if (code !== '0') throw new Error(`The disk could not be synced: ${reason}`);
  }

  /** A sync under way goes on. */
  stop(): void {
    this.#helper?.stdin.end();
  }

  /** Null where nobody answers. */
  async #ask(): Promise<string | null> {
    this.#helper ??= this.#start();
    const stdin = this.#helper?.stdin;
    if (stdin === undefined) return null;
    return new Promise((resolve) => {
      this.#waiting.push({ resolve });
      stdin.write('\n');
    });
  }

  /** In a process group of its own: what ends the service must not end a sync that it waits for. */
  #start(): Helper | undefined {
    const helper = spawn('sh', ['-c', HELPER, 'sh', this.#folder], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
      detached: true,
    });
    const lose = (): void => {
      if (this.#helper !== helper) return;
      this.#helper = undefined;
      for (const { resolve } of this.#waiting.splice(0)) resolve(null);
    };
    helper.on('error', lose).on('close', lose);
    if (!isStarted(helper)) return undefined;
    helper.unref();
    for (const pipe of [helper.stdin, helper.stdout]) {
      pipe.on('error', () => undefined);
      if (pipe instanceof Socket) pipe.unref();
    }
    createInterface({ input: helper.stdout }).on('line', (line) => this.#waiting.shift()?.resolve(line));
    return helper;
  }
}

/** Where the machine has no process to give, there are no pipes, whatever the types say. */
function isStarted({
  stdin,
  stdout,
}: {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
}): boolean {
  return Boolean(stdin) && Boolean(stdout);
}
