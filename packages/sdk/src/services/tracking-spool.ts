/** Keeps calls on disk that ingest could not take, until it can. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SharedFolder } from '../spool/shared-folder.ts';
import type { TrackingCall } from './tracking-call.ts';

export interface SpoolOptions {
  /** Only this destination's calls are in it; made when first needed. */
  folder: string;
  /** At most so many bytes wait in the folder; then new calls are turned away. */
  maxBytes: number;
}

/** What became of a call that was taken from the spool. `stop` leaves it and all that follow for later. */
export type Replay = (call: TrackingCall) => Promise<'done' | 'stop'>;

const SEGMENT = /^[\w-]+\.ndjson$/;

/**
 * Append-only NDJSON, one file per process, each call on disk before it counts as kept.
 * A file is claimed by renaming it, which only one process can; a call may be replayed twice after a crash,
 * which its idempotency key makes harmless.
 */
export class TrackingSpool {
  readonly #options: SpoolOptions;
  readonly #shared: SharedFolder;
  #current: string | undefined;
  /** Own files in the order of their calls. */
  #own: string[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#shared = new SharedFolder(options.folder);
  }

  get folder(): string {
    return this.#options.folder;
  }

  /** Whether calls of this process wait. */
  get hasOwn(): boolean {
    return this.#own.length > 0;
  }

  /** Keeps a call; it is on disk when this resolves to `kept`. Throws what the disk throws. */
  async append(call: TrackingCall): Promise<'kept' | 'full'> {
    return this.#inTurn(async () => {
      const line = `${JSON.stringify(call)}\n`;
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      if ((await this.#sizeBytes()) + Buffer.byteLength(line) > this.#options.maxBytes) return 'full';
      // Another process may claim the file between opening and writing; then the line goes into a new one as well.
      while (!(await this.#write(this.#segment(), line))) this.#dropCurrent();
      return 'kept';
    });
  }

  /** Replays the calls of this process in order. Resolves to whether none is left. */
  async drainOwn(replay: Replay): Promise<boolean> {
    return this.#inTurn(async () => {
      this.#current = undefined;
      for (const name of this.#own) {
        if (!(await this.#drain(name, replay))) return false;
        this.#own = this.#own.filter((other) => other !== name);
      }
      return true;
    });
  }

  /** Replays what other processes left behind, oldest file first. Resolves to whether nothing is left. */
  async drainOthers(replay: Replay): Promise<boolean> {
    return this.#inTurn(async () => {
      for (const name of await this.#leftBehind()) if (!(await this.#drain(name, replay))) return false;
      return true;
    });
  }

  /** One thing at a time within this process. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work, work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  #segment(): string {
    if (this.#current !== undefined) return this.#current;
    const name = this.#shared.newName('.ndjson');
    this.#own.push(name);
    this.#current = name;
    return name;
  }

  #dropCurrent(): void {
    this.#own = this.#own.filter((name) => name !== this.#current);
    this.#current = undefined;
  }

  async #write(name: string, line: string): Promise<boolean> {
    const path = join(this.folder, name);
    const file = await open(path, 'a', 0o600);
    try {
      await file.write(line);
      await file.sync();
      const [written, found] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
      return found?.ino === written.ino;
    } finally {
      await file.close();
    }
  }

  async #sizeBytes(): Promise<number> {
    let sizeBytes = 0;
    for (const name of await readdir(this.folder)) {
      sizeBytes += (await stat(join(this.folder, name)).catch(() => undefined))?.size ?? 0;
    }
    return sizeBytes;
  }

  /** Claims a file and replays it; what is not done goes back under the same name. */
  async #drain(name: string, replay: Replay): Promise<boolean> {
    const claimed = await this.#shared.claim(name);
    if (claimed === undefined) return true;
    const calls = readCalls(await readFile(claimed, 'utf8'));
    for (const [index, call] of calls.entries()) {
      if ((await replay(call)) === 'done') continue;
      await this.#putBack(name, calls.slice(index));
      await rm(claimed, { force: true });
      return false;
    }
    await rm(claimed, { force: true });
    return true;
  }

  async #putBack(name: string, calls: readonly TrackingCall[]): Promise<void> {
    const whole = join(this.folder, `${name}.rest~${process.pid}~${this.#shared.user}`);
    const file = await open(whole, 'w', 0o600);
    try {
      await file.write(calls.map((call) => `${JSON.stringify(call)}\n`).join(''));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(whole, join(this.folder, name));
  }

  async #leftBehind(): Promise<string[]> {
    const found = await this.#shared.free((name) => SEGMENT.test(name));
    return found.filter((name) => !this.#own.includes(name));
  }
}

/** A crash may have cut the last line. */
function readCalls(text: string): TrackingCall[] {
  const calls: TrackingCall[] = [];
  for (const line of text.split('\n')) {
    try {
      calls.push(JSON.parse(line) as TrackingCall);
    } catch {
      // Not acknowledged to anybody.
    }
  }
  return calls;
}
