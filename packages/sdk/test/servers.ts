/** Starts real Redis and PostgreSQL servers for tests, from what the machine has or what its package manager brings. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

export interface Server {
  url: string;
  stop(): Promise<void>;
}

/** Where a server's program is, or why there is none. */
export type Found = { status: 'found'; path: string } | { status: 'missing'; reason: string };

/** Looks for it, and installs its package where that is possible. */
export function findServer(program: 'redis-server' | 'postgres'): Found {
  const packageName = program === 'postgres' ? 'postgresql' : program;
  let path = locate(program);
  if (path !== undefined) return { status: 'found', path };
  if (process.getuid?.() !== 0 || locate('apt-get') === undefined) {
    return missing(
      program,
      `install the package ${packageName}; as root on Debian the tests do it themselves`,
    );
  }
  process.stderr.write(
    `${program} is not there: installing Debian's package ${packageName} for the tests …\n`,
  );
  const install = ['install', '-y', '--no-install-recommends', packageName];
  const installed =
    aptGet(install) ?? (aptGet(['update']) === undefined ? 'apt-get update failed' : aptGet(install));
  path = locate(program);
  return path === undefined
    ? missing(program, `apt-get could not install ${packageName}: ${installed}`)
    : { status: 'found', path };
}

function missing(program: string, remedy: string): Found {
  const reason = `${program} is missing; ${remedy}`;
  process.stderr.write(`SKIPPED: ${reason}\n`);
  return { status: 'missing', reason };
}

/** What it printed, or undefined where it failed. */
function aptGet(args: string[]): string | undefined {
  // The run level of a machine under repair: the package must not start a service of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const { status, stdout } = spawnSync('apt-get', args, { env, encoding: 'utf8', timeout: 300_000 });
  return status === 0 ? stdout : undefined;
}

function locate(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const debian = globSync('/usr/lib/postgresql/*/bin').toSorted().toReversed();
  return [...debian, ...folders].map((folder) => join(folder, program)).find((path) => existsSync(path));
}

export async function startRedis(path: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-redis-'));
  const port = await freePort();
  const options = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no' };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  await saying(child, 'Ready to accept connections');
  return { url: `redis://127.0.0.1:${port}`, stop: async () => stop(child, folder) };
}

export async function startPostgres(path: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-postgres-'));
  const port = await freePort();
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? ordinaryUser() : undefined;
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const initdb = ['-D', folder, '-U', 'rollcall', '--auth=trust', '--encoding=UTF8', '--no-sync'];
  const made = spawnSync(join(dirname(path), 'initdb'), initdb, { ...user, cwd: folder, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: folder, fsync: 'off' };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(path, ['-D', folder, '-p', String(port), ...options], {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await saying(child, 'ready to accept connections');
  return { url: `postgres://rollcall@127.0.0.1:${port}/postgres`, stop: async () => stop(child, folder) };
}

function ordinaryUser(): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const [, , uid, gid] =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function saying(child: ChildProcess, words: string): Promise<void> {
  let printed = '';
  await new Promise<void>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      printed += chunk.toString();
      if (printed.includes(words)) resolve();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnfile} ended with ${code}: ${printed}`)));
  });
}

async function stop(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null) {
    // PostgreSQL's fast shutdown; Redis ends on it as well.
    child.kill('SIGINT');
    await once(child, 'exit');
  }
  await rm(folder, { recursive: true, force: true });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
