/** Opens the embedded engine (chDB) and hides its peculiarities behind `Engine`. */

import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createClient, type ClickHouseClient, type ClickHouseClientConfigOptions } from '@clickhouse/client';
import type { Engine, EngineOptions, FileInsert, Parameters } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { completeInsert, READ_FILE_SETTINGS } from './complete-insert.ts';
import { describeColumns, type Structure } from './describe-columns.ts';
import { EmbeddedConnection, literal, parameterText } from './embedded-connection.ts';
import { giveWay } from './give-way.ts';
import { Guests } from './guests.ts';

/** What one of our own reads may take. */
const READ_TIMEOUT_S = 30;
const MAX_RESULT_BYTES = 256 * 1024 ** 2;
const MAX_QUERY_MEMORY_BYTES = 1024 ** 3;
/**
 * Ours are short statements with many columns, and are planned for longer than they run. Of the third query with the same
 * expression on machine code is made: a quarter of a second for what takes milliseconds. To look for constants in chains
 * of comparisons, of which there are none, takes a tenth of what planning a page of runs takes.
 */
const QUICKLY_PLANNED =
  'compile_expressions = 0, compile_aggregate_expressions = 0, compile_sort_description = 0, optimize_and_compare_chain = 0';
const CONFIG_FILE = fileURLToPath(new URL('../../embedded-engine.xml', import.meta.url));
const PURGE_EVERY_MS = 5_000;
const READERS = 2;
const BACKGROUNDS = 2;

/**
 * chDB keeps every setting that a call passes (`clickhouse_settings`) for all later calls on that connection: a
 * deduplication token given once made the next inserts vanish. So settings are set once, when a connection opens,
 * or stand in the statement's own SETTINGS clause; `clickhouse_settings` is never used here.
 */
export async function openEmbedded({
  dataDir,
  database,
  mode = 'create',
}: Omit<EngineOptions, 'clickhouseUrl'>): Promise<Engine> {
  const path = await prepareFolder(dataDir, mode);
  const server = await startServer(path);
  const writer = await openConnection(path);
  await writer.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
  await writer.command({ query: `USE ${database}` });
  const openReaders = (count: number): Promise<ClickHouseClient[]> =>
    Promise.all(Array.from({ length: count }, () => openReader(path, database)));
  const writes = new Turns([writer]);
  const reads = new Turns(await openReaders(READERS));
  const backgrounds = new Turns(
    await Promise.all(Array.from({ length: BACKGROUNDS }, () => openBackground(path, database))),
  );
  const rows = <Row>(sql: string, parameters?: Parameters): Promise<Row[]> =>
    reads.take((client) => rowsOf<Row>(client, sql, parameters));
  // Strangers have connections of their own: what they ask can neither hold up nor colour what we ask.
  const guests = new Guests({ path, database, ask: rows });
  const purge = new Purge(() => backgrounds.take((client) => run(client, 'SYSTEM JEMALLOC PURGE')));
  const columns = describeColumns((sql) => reads.take((client) => rowsOf(client, sql)));
  const order = giveWay();

  return {
    kind: 'embedded',
    place: path,
    database,
    rows,
    command: (sql, parameters) => writes.take((client) => run(client, sql, parameters)),
    background: (sql, parameters) => backgrounds.take((client) => run(client, sql, parameters)),
    readOnly: async (sql, { format, parameters = {} }) => {
      const { chunks, close } = await guests.answer(sql, {
        format,
        parameters: Object.fromEntries(
          Object.entries(parameters).map(([name, value]) => [name, parameterText(value)]),
        ),
        isWhole: true,
      });
      close();
      return Readable.from(chunks, { objectMode: false });
    },
    guests,
    insertFile: async (insert) => {
      const structure = await columns(insert.table);
      purge.isDue = true;
      if (insert.isRepeat !== true) {
        await writes.take((client) => run(client, insertFromFile(insert, structure)));
        return;
      }
      await writes.take(async (client) =>
        completeInsert({
          database,
          table: insert.table,
          source: fileSource(insert, structure),
          columns: structure.columns,
          rows: async (sql, parameters) => rowsOf(client, sql, parameters),
          command: async (sql) => run(client, sql),
        }),
      );
    },
    ping: () => reads.take(async (client) => (await client.ping()).success),
    close: async () => {
      purge.stop();
      order.stop();
      // A query in flight at exit crashes the process, so both queues are drained first.
      await guests.drain();
      const clients = await Promise.all([writes.drain(), backgrounds.drain(), reads.drain()]);
      await Promise.all(clients.flat().map((client) => client.close()));
      server.close();
    },
  };
}

/** Where the embedded engine keeps its files. */
export function embeddedFolder(dataDir: string): string {
  return join(resolve(dataDir), 'engine');
}

async function prepareFolder(dataDir: string, mode: 'create' | 'existing'): Promise<string> {
  const path = embeddedFolder(dataDir);
  if (mode === 'existing') {
    const found = await stat(path).catch(() => null);
    if (found === null) {
      throw new EngineError(
        'no_data',
        `There is no Rollcall data in '${dataDir}'. Start the service once with 'rollcall up', or name another folder with ROLLCALL_DATA_DIR.`,
      );
    }
  }
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new EngineError(
      'data_dir_unwritable',
      `The data folder '${dataDir}' can not be written (${(error as NodeJS.ErrnoException).code ?? String(error)}). Name a folder of your own with ROLLCALL_DATA_DIR.`,
      { cause: error },
    );
  }
  return path;
}

/** The first connection decides how the engine runs; it lives as long as one is open. */
async function startServer(path: string): Promise<EmbeddedConnection> {
  try {
    return await EmbeddedConnection.open(path, [`--config-file=${CONFIG_FILE}`]);
  } catch (error) {
    throw new EngineError(
      'data_dir_in_use',
      `The data folder '${path}' can not be opened: another process may be using it. Stop that process, or name another folder with ROLLCALL_DATA_DIR. (${(error as Error).message})`,
      { cause: error },
    );
  }
}

async function openConnection(path: string): Promise<ClickHouseClient> {
  const { createChdbConnection } = await import('chdb/connection');
  const connection = createChdbConnection({ path });
  // The published types of the two packages name different copies of one interface.
  return createClient({ connection } as unknown as ClickHouseClientConfigOptions);
}

async function openBackground(path: string, database: string): Promise<ClickHouseClient> {
  const client = await openConnection(path);
  await client.command({ query: `USE ${database}` });
  await client.command({ query: `SET max_threads = 1, ${QUICKLY_PLANNED}` });
  return client;
}

/** A connection on which `readonly = 1` was set once stays locked for good: what a reader may do needs no checks. */
async function openReader(path: string, database: string): Promise<ClickHouseClient> {
  const client = await openConnection(path);
  await client.command({ query: `USE ${database}` });
  await client.command({
    query: `SET ${QUICKLY_PLANNED}, max_execution_time = ${READ_TIMEOUT_S}, max_memory_usage = ${MAX_QUERY_MEMORY_BYTES}, max_result_bytes = ${MAX_RESULT_BYTES}, result_overflow_mode = 'throw'`,
  });
  await client.command({ query: 'SET readonly = 1' });
  return client;
}

async function rowsOf<Row>(client: ClickHouseClient, sql: string, parameters?: Parameters): Promise<Row[]> {
  const result = await client.query({ query: sql, format: 'JSONEachRow', query_params: { ...parameters } });
  return result.json<Row>();
}

async function run(client: ClickHouseClient, sql: string, parameters?: Parameters): Promise<void> {
  await client.command({ query: sql, query_params: { ...parameters } });
}

/** Client bytes never go through an inline insert body: there a blank line ends the data and the rest runs as SQL. */
function insertFromFile(insert: FileInsert, structure: Structure): string {
  const { table, token } = insert;
  return [
    `INSERT INTO ${table} SELECT * FROM ${fileSource(insert, structure)}`,
    `SETTINGS insert_deduplication_token = ${literal(token)}, deduplicate_blocks_in_dependent_materialized_views = 1,`,
    `${READ_FILE_SETTINGS}, max_insert_threads = 1`,
  ].join('\n');
}

function fileSource({ path, format }: FileInsert, { text: structure }: Structure): string {
  return `file(${literal(path)}, '${format}', ${literal(structure)})`;
}

/** Gives memory that the engine has freed back to the machine: its allocator keeps it, and peaks would add up. */
class Purge {
  /** Something was inserted since the last time. */
  isDue = false;
  readonly #timer: NodeJS.Timeout;

  constructor(purge: () => Promise<void>) {
    let isRunning = false;
    this.#timer = setInterval(() => {
      if (!this.isDue || isRunning) return;
      this.isDue = false;
      isRunning = true;
      // It is a favour: where it fails, nothing is lost.
      void purge()
        .catch(() => undefined)
        .finally(() => {
          isRunning = false;
        });
    }, PURGE_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Hands out connections one statement at a time: chDB runs one statement per connection. */
class Turns {
  readonly #idle: ClickHouseClient[];
  readonly #size: number;
  readonly #waiting: ((client: ClickHouseClient) => void)[] = [];
  #closed = false;
  #drained: (() => void) | undefined;

  constructor(clients: readonly ClickHouseClient[]) {
    this.#idle = [...clients];
    this.#size = clients.length;
  }

  async take<Result>(use: (client: ClickHouseClient) => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new EngineError('engine_closed', 'The engine is closed; open it again.');
    const client =
      this.#idle.pop() ?? (await new Promise<ClickHouseClient>((give) => this.#waiting.push(give)));
    try {
      return await use(client);
    } finally {
      this.#give(client);
    }
  }

  #give(client: ClickHouseClient): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(client);
    else this.#idle.push(client);
    if (this.#idle.length === this.#size) this.#drained?.();
  }

  /** Lets nobody in any more, and returns the connections when all are idle. */
  async drain(): Promise<readonly ClickHouseClient[]> {
    this.#closed = true;
    if (this.#idle.length < this.#size) {
      await new Promise<void>((isIdle) => {
        this.#drained = isIdle;
      });
    }
    return this.#idle;
  }
}
