/**
 * Stands in for a ClickHouse server in a process of its own: the front opened for reading and writing over a chDB
 * folder. `node test/clickhouse-server.ts FOLDER PORT` prints its URL when it listens; port 0 takes a free one.
 * It knows one user, `default`, with the password in CLICKHOUSE_PASSWORD.
 */

import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pino } from 'pino';
import { describeEngine } from '../packages/ingest/src/front/describe-engine.ts';
import { FrontError } from '../packages/ingest/src/front/exception.ts';
import { createFront, type Respondent } from '../packages/ingest/src/front/front.ts';
import { readStatement, type Question } from '../packages/ingest/src/front/question.ts';
import {
  EmbeddedConnection,
  literal,
  type Answer,
} from '../packages/ingest/src/store/embedded-connection.ts';

const STATEMENT_MAX_BYTES = 64 * 1024 ** 2;
/** chDB allows more than a server does. */
const AS_A_SERVER = { implicit_select: '0', allow_introspection_functions: '0' };
/** `INSERT INTO t (a, b) SETTINGS c = 1 FORMAT Native`, and what follows. */
const INSERT_WITH_DATA =
  /^\s*(INSERT\s+INTO\s+[\s\S]*?)\s((?:SETTINGS\s[\s\S]*?\s)?FORMAT\s+(?!VALUES\b)\w+)[^\S\n]*;?(?:\n|$)/i;

// A server answers many at once.
process.env['UV_THREADPOOL_SIZE'] ??= '16';
const [folder = '', port = '0'] = process.argv.slice(2);
const password = process.env['CLICKHOUSE_PASSWORD'] ?? '';
// The engine lives as long as one connection is open.
const keeper = await EmbeddedConnection.open(folder);
// In the folder, so that it goes with it where this process is killed.
const inserts = await mkdtemp(join(folder, 'inserts-'));
const respondent: Respondent = { ...(await describeEngine(ask)), answer };
const server = createFront({ respondent, log: pino({ level: 'warn' }, pino.destination(2)) });
server.listen(Number(port), '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => {
  server.close(() => {
    keeper.close();
    void rm(inserts, { recursive: true, force: true });
  });
  server.closeIdleConnections();
});

async function ask<Row>(sql: string): Promise<Row[]> {
  const lines = (await keeper.run(sql, 'JSONEachRow')).text().trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Row);
}

async function answer(question: Question): Promise<Answer> {
  const { credentials, database, parameters, settings } = question;
  if (credentials.user !== 'default' || credentials.password !== password) {
    throw new FrontError(
      'AUTHENTICATION_FAILED',
      `${credentials.user}: Authentication failed: password is incorrect, or there is no user with such name.`,
    );
  }
  const connection = await EmbeddedConnection.open(folder);
  try {
    if (database !== undefined) await connection.use(database);
    await connection.set({ ...AS_A_SERVER, max_query_size: String(STATEMENT_MAX_BYTES) });
    await connection.set(engineSettings(settings));
    await connection.bind(parameters);
    if (question.method === 'GET') await connection.set({ readonly: '2' });
    return await run(connection, question);
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function run(connection: EmbeddedConnection, question: Question): Promise<Answer> {
  const { query, defaultFormat: asked } = question;
  const head = INSERT_WITH_DATA.exec(query);
  if (head !== null) return insert(connection, head, question.body);
  const sql = await readStatement(question, STATEMENT_MAX_BYTES);
  const whole = INSERT_WITH_DATA.exec(sql);
  if (whole !== null)
    return insert(connection, whole, Readable.from([Buffer.from(sql.slice(whole[0].length))]));
  return connection.answer(sql, { defaultFormat: asked, isStreamed: /^\s*(SELECT|WITH)\b/i.test(sql) });
}

/** Rows go by file: inline, a blank line would end them, and bytes that are no UTF-8 would be destroyed. */
async function insert(
  connection: EmbeddedConnection,
  [, into = '', rest = '']: RegExpExecArray,
  rows: Readable,
): Promise<Answer> {
  const place = await mkdtemp(join(inserts, 'rows-'));
  const path = join(place, 'rows');
  try {
    await pipeline(rows, createWriteStream(path));
    // A server takes an insert without rows for done.
    if ((await stat(path)).size > 0) await connection.run(`${into} FROM INFILE ${literal(path)} ${rest}`);
    return { format: 'TabSeparated', chunks: Readable.from([]), close: () => connection.close() };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** What concerns HTTP alone is no setting of the engine. */
function engineSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !/^(enable_http_|http_)/.test(name)));
}
