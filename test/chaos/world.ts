/** A service that goes through everything, behind an address that stays the same. */

import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CuttableProxy } from '../cuttable-proxy.ts';
import { startProcess, temporaryFolder, type RunningService } from '../rollcall-process.ts';

const run = promisify(execFile);
const CLOCK = fileURLToPath(new URL('../programs/jumping-clock.ts', import.meta.url));
const SMALL_DISK = '48m';

export interface WorldOptions {
  /** More settings of the service. */
  readonly settings?: Record<string, string>;
}

/** One data folder through many lives of the service. */
export class World implements AsyncDisposable {
  readonly dataDir: string;
  readonly spoolIsSmallDisk: boolean;
  readonly #proxy: CuttableProxy;
  readonly #settings: Record<string, string>;
  readonly #remove: () => Promise<void>;
  #service: RunningService;

  private constructor(
    folder: { path: string; remove: () => Promise<void> },
    proxy: CuttableProxy,
    service: RunningService,
    options: { settings: Record<string, string>; spoolIsSmallDisk: boolean },
  ) {
    this.dataDir = folder.path;
    this.#remove = folder.remove;
    this.#proxy = proxy;
    this.#service = service;
    this.#settings = options.settings;
    this.spoolIsSmallDisk = options.spoolIsSmallDisk;
  }

  static async start({ settings = {} }: WorldOptions = {}): Promise<World> {
    const folder = await temporaryFolder();
    const spoolIsSmallDisk = await mountSmallDisk(join(folder.path, 'spool'));
    const all = {
      ...settings,
      CHAOS_CLOCK_FILE: join(folder.path, 'clock'),
      ROLLCALL_LOG_LEVEL: 'error',
      // Where no disk of its own can be mounted, the spool is full at a bound of its own.
      ...(spoolIsSmallDisk ? {} : { ROLLCALL_SPOOL_MAX_BYTES: String(4 * 1024 ** 2) }),
    };
    const service = await startProcess(folder.path, all, ['--import', CLOCK]);
    const proxy = await CuttableProxy.start(service.url);
    return new World(folder, proxy, service, { settings: all, spoolIsSmallDisk });
  }

  /** Where senders send to. */
  get url(): string {
    return this.#proxy.url;
  }

  /** The service itself, past the bad line. */
  get service(): RunningService {
    return this.#service;
  }

  async kill(): Promise<void> {
    const { process: child } = this.#service;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async startAgain(): Promise<void> {
    this.#service = await startProcess(this.dataDir, this.#settings, ['--import', CLOCK]);
    this.#proxy.retarget(this.#service.url);
  }

  async cutLine(): Promise<void> {
    await this.#proxy.cut();
  }

  async mendLine(): Promise<void> {
    await this.#proxy.mend();
  }

  async setClock(offsetMs: number): Promise<void> {
    await writeFile(join(this.dataDir, 'clock'), String(offsetMs));
    this.#service.process.kill('SIGUSR2');
  }

  /** Leaves no room on the spool's disk. Returns what gives it back. */
  async fillDisk(): Promise<() => Promise<void>> {
    const filler = join(this.dataDir, 'spool', 'filler');
    const { bavail, bsize } = await statfs(join(this.dataDir, 'spool'));
    await writeFile(filler, Buffer.alloc(bavail * bsize)).catch(() => undefined);
    return async () => rm(filler, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#service.process.exitCode === null && this.#service.process.signalCode === null)
      await this.kill();
    await this.#proxy[Symbol.asyncDispose]();
    if (this.spoolIsSmallDisk) await run('umount', [join(this.dataDir, 'spool')]);
    await this.#remove();
  }
}

/** Needs the rights to mount; says so where they are missing. */
async function mountSmallDisk(path: string): Promise<boolean> {
  await mkdir(path, { recursive: true });
  if (process.getuid?.() !== 0) return false;
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${SMALL_DISK}`, 'tmpfs', path]);
    return true;
  } catch {
    return false;
  }
}
