/** A service that goes through everything, behind an address that stays the same. */

import { execFile } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startClickHouse, type ClickHouseProcess } from '../clickhouse-process.ts';
import { CuttableProxy } from '../cuttable-proxy.ts';
import { startProcess, temporaryFolder, type RunningService } from '../rollcall-process.ts';
import { UnwellProxy, type Condition } from './unwell-proxy.ts';

const run = promisify(execFile);
const CLOCK = fileURLToPath(new URL('../programs/jumping-clock.ts', import.meta.url));
const SMALL_DISK = '48m';

export interface WorldOptions {
  /** Which ClickHouse the service has. */
  readonly engine?: Engine;
}

export type Engine = 'embedded' | 'server';

/** A ClickHouse server that can be killed, and the bad line to it. */
interface Server {
  readonly folder: string;
  readonly proxy: UnwellProxy;
  process: ClickHouseProcess;
}

/** One data folder through many lives of the service. */
export class World implements AsyncDisposable {
  readonly engine: Engine;
  readonly dataDir: string;
  readonly spoolIsSmallDisk: boolean;
  readonly #proxy: CuttableProxy;
  readonly #settings: Record<string, string>;
  readonly #remove: () => Promise<void>;
  readonly #server: Server | undefined;
  #service: RunningService;

  private constructor(
    folder: { path: string; remove: () => Promise<void> },
    proxy: CuttableProxy,
    service: RunningService,
    options: { settings: Record<string, string>; spoolIsSmallDisk: boolean; server: Server | undefined },
  ) {
    this.engine = options.server === undefined ? 'embedded' : 'server';
    this.dataDir = folder.path;
    this.#remove = folder.remove;
    this.#proxy = proxy;
    this.#service = service;
    this.#server = options.server;
    this.#settings = options.settings;
    this.spoolIsSmallDisk = options.spoolIsSmallDisk;
  }

  static async start({ engine = 'embedded' }: WorldOptions = {}): Promise<World> {
    const folder = await temporaryFolder();
    const spoolIsSmallDisk = await mountSmallDisk(join(folder.path, 'spool'));
    const server = engine === 'server' ? await startServer(join(folder.path, 'clickhouse')) : undefined;
    const settings = {
      CHAOS_CLOCK_FILE: join(folder.path, 'clock'),
      ROLLCALL_LOG_LEVEL: 'error',
      ...(server === undefined ? {} : { ROLLCALL_CLICKHOUSE_URL: server.proxy.url }),
      // Where no disk of its own can be mounted, the spool is full at a bound of its own.
      ...(spoolIsSmallDisk ? {} : { ROLLCALL_SPOOL_MAX_BYTES: String(4 * 1024 ** 2) }),
    };
    const service = await startProcess(folder.path, settings, ['--import', CLOCK]);
    const proxy = await CuttableProxy.start(service.url);
    return new World(folder, proxy, service, { settings, spoolIsSmallDisk, server });
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

  /** What `rollcall` needs to find the service and its data. */
  get commandSettings(): Record<string, string> {
    return this.#settings;
  }

  /** Of the line between the service and its ClickHouse server. */
  setServer(condition: Condition): void {
    if (this.#server !== undefined) this.#server.proxy.condition = condition;
  }

  async killServer(): Promise<void> {
    await this.#server?.process.kill();
  }

  async startServerAgain(): Promise<void> {
    if (this.#server !== undefined)
      this.#server.process = await startClickHouse(this.#server.folder, this.#server.process.port);
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
    await this.#server?.proxy[Symbol.asyncDispose]();
    await this.#server?.process.kill();
    if (this.spoolIsSmallDisk) await run('umount', [join(this.dataDir, 'spool')]);
    await this.#remove();
  }
}

async function startServer(folder: string): Promise<Server> {
  const process = await startClickHouse(folder);
  return { folder, process, proxy: await UnwellProxy.start(process.url, Math.random) };
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
