/** Starts the stand-in for a ClickHouse server as a process that can be killed and started again. */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spawnScript } from './rollcall-process.ts';

const PROGRAM = fileURLToPath(new URL('./clickhouse-server.ts', import.meta.url));
const PASSWORD = 'server-password';

export interface ClickHouseProcess {
  /** With user and password, as `ROLLCALL_CLICKHOUSE_URL` takes it. */
  readonly url: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** As a crash or a lost machine does. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** Started again with the folder and port that it had, it goes on with its data. */
export async function startClickHouse(folder: string, port = 0): Promise<ClickHouseProcess> {
  const child = spawnScript(PROGRAM, [folder, String(port)], { CLICKHOUSE_PASSWORD: PASSWORD });
  const ended = once(child, 'close');
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    void ended.then(() => reject(new Error(`The ClickHouse stand-in ended before it listened: ${log}`)));
  });
  const url = new URL(address);
  url.username = 'default';
  url.password = PASSWORD;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  return {
    url: url.href,
    port: Number(url.port),
    process: child,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}
