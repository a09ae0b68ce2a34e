/** Asks the data, whether a service holds it or not. */

import { Readable } from 'node:stream';
import { pino } from 'pino';
import type { IngestConfig, Parameters } from '@rollcall/ingest';
import { UsageError } from '../print/failure.ts';

/** A read-only way to the data. */
export interface Reader {
  /** Where the answers come from, for people. */
  readonly source: string;
  rows<Row>(sql: string, parameters?: Parameters): Promise<Row[]>;
  stream(sql: string, format: string, parameters?: Parameters): Promise<Readable>;
  /** Posts to the REST API of the service; nothing happens where none holds the data. */
  tell(path: string, body: object): Promise<void>;
  close(): Promise<void>;
}

export interface GlobalOptions {
  readonly url?: string;
  readonly dataDir?: string;
}

/** Reads the settings, with the command's options in place of their variables. */
export async function loadConfig(
  options: GlobalOptions & { port?: string; host?: string },
): Promise<IngestConfig> {
  const { readConfig } = await import('@rollcall/ingest');
  const given = {
    ROLLCALL_DATA_DIR: options.dataDir,
    ROLLCALL_PORT: options.port,
    ROLLCALL_HOST: options.host,
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return readConfig({ ...process.env, ...set });
}

/**
 * Finds the data: a service named by URL, else the service that holds the data folder, else the engine itself.
 * @throws UsageError, EngineError
 */
export async function openReader(options: GlobalOptions): Promise<Reader> {
  const { findService, migrate, openEngine, Rollups } = await import('@rollcall/ingest');
  const key = process.env['ROLLCALL_API_KEY'];
  if (options.url !== undefined) return serviceReader(options.url, key);
  const config = await loadConfig(options);
  const service = config.clickhouseUrl === undefined ? await findService(config.dataDir) : null;
  if (service !== null) return serviceReader(service.url, key ?? service.localKey);
  const engine = await openEngine({ ...config, mode: 'existing' });
  if (engine.kind === 'embedded') {
    // A service that was killed may have left evidence that is not rolled up yet, or an older schema.
    await migrate(engine, config);
    await new Rollups({ engine, log: pino({ level: 'silent' }) }).catchUp();
  }
  const stream = (sql: string, format: string, parameters: Parameters = {}): Promise<Readable> =>
    engine.readOnly(sql, { format, parameters });
  return {
    source: engine.place,
    rows: async <Row>(sql: string, parameters?: Parameters) =>
      parseRows<Row>(await stream(sql, 'JSONEachRow', parameters)),
    stream,
    tell: async () => undefined,
    close: () => engine.close(),
  };
}

function serviceReader(url: string, key: string | undefined): Reader {
  const stream = (sql: string, format: string, params: Parameters = {}): Promise<Readable> =>
    ask(url, key, { query: sql, format, params });
  return {
    source: url,
    rows: async <Row>(sql: string, parameters?: Parameters) =>
      parseRows<Row>(await stream(sql, 'JSONEachRow', parameters)),
    stream,
    tell: async (path, body) => (await post(url, path, key, body)).body?.cancel(),
    close: async () => undefined,
  };
}

async function ask(url: string, key: string | undefined, body: object): Promise<Readable> {
  const response = await post(url, '/api/v1/sql', key, body);
  if (response.body === null)
    throw new UsageError(`The service answered ${response.status} and nothing else.`);
  return Readable.fromWeb(response.body);
}

async function post(url: string, path: string, key: string | undefined, body: object): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
    });
  } catch (error) {
    throw new UsageError(
      `No service answers at ${url}. Start one with 'rollcall up', or leave out --url. (${String((error as Error).cause ?? error)})`,
    );
  }
  if (response.ok) return response;
  throw new UsageError(explain(await response.text(), response.status));
}

function explain(text: string, status: number): string {
  try {
    return String((JSON.parse(text) as { detail: string }).detail);
  } catch {
    return `The service answered ${status}: ${text.slice(0, 500)}`;
  }
}

async function parseRows<Row>(stream: Readable): Promise<Row[]> {
  const text = Buffer.concat(
    await stream.map((chunk: Uint8Array | string) => Buffer.from(chunk)).toArray(),
  ).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}
