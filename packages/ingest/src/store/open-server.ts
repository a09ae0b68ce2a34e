/** Opens a ClickHouse server or cluster over HTTP. */

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { describeColumns } from './describe-columns.ts';
import type { Engine, EngineOptions, FileInsert, Parameters } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { insertAgain, queryIdOf } from './insert-again.ts';
import { createReadOnlyCheck, explainRefusal } from './read-only.ts';

const REQUEST_TIMEOUT_MS = 60_000;
/** The client would print each refusal by itself; whoever asked hears of it, and logs what matters. */
const SILENT = { level: ClickHouseLogLevel.OFF };

export async function openServer({
  clickhouseUrl,
  database,
  cluster,
}: EngineOptions & { clickhouseUrl: string }): Promise<Engine> {
  const place = withoutPassword(clickhouseUrl);
  const bootstrap = createClient({ url: clickhouseUrl, request_timeout: REQUEST_TIMEOUT_MS, log: SILENT });
  await createDatabase(bootstrap, database, place);
  const client = createClient({
    url: clickhouseUrl,
    database,
    application: 'rollcall',
    request_timeout: REQUEST_TIMEOUT_MS,
    log: SILENT,
    compression: { request: true, response: true },
  });

  const rows = async <Row>(sql: string, parameters: Parameters = {}): Promise<Row[]> => {
    const result = await client.query({ query: sql, format: 'JSONEachRow', query_params: parameters });
    return result.json<Row>();
  };
  const command = async (sql: string, parameters: Parameters = {}): Promise<void> => {
    await client.command({ query: sql, query_params: parameters });
  };
  const send = async ({ path, format, token }: FileInsert, table: string): Promise<void> => {
    const { stream } = await client.exec({
      query: `INSERT INTO ${table} FORMAT ${format}`,
      query_id: queryIdOf(token),
      values: createReadStream(path),
      clickhouse_settings: {
        insert_deduplication_token: token,
        deduplicate_blocks_in_dependent_materialized_views: 1,
        input_format_import_nested_json: 0,
        // Each block of the file carries its checksum in a column that no table has.
        input_format_skip_unknown_fields: 1,
      },
    });
    // Read to its end: a server that dies before that has not said that the rows are in.
    await text(stream);
  };
  const readOnly = createReadOnlyCheck(rows);
  const structureOf = describeColumns(rows);

  return {
    kind: 'server',
    place,
    database,
    rows,
    command,
    background: command,
    readOnly: async (sql, { format, parameters = {} }): Promise<Readable> => {
      const statement = await readOnly.check(await readOnly.format(sql), {
        explain: async (explained) => {
          const result = await client.exec({
            query: explained,
            query_params: parameters,
            clickhouse_settings: { readonly: '1' },
          });
          return text(result.stream);
        },
      });
      try {
        const result = await client.exec({
          query: `${statement.sql}\nFORMAT ${format}`,
          query_params: parameters,
          clickhouse_settings: { readonly: '1', max_execution_time: 30, max_result_bytes: '268435456' },
        });
        return result.stream;
      } catch (error) {
        throw explainRefusal(error);
      }
    },
    insertFile: async (insert) => {
      // Replicated tables write a token and its rows in one step.
      if (insert.isRepeat !== true || cluster !== undefined) {
        await send(insert, insert.table);
        return;
      }
      const { columns } = await structureOf(insert.table);
      await insertAgain({
        database,
        insert,
        columns,
        rows,
        command,
        send: (staging) => send({ ...insert, token: `${insert.token}-${staging}` }, staging),
      });
    },
    ping: async () => (await client.ping()).success,
    close: () => client.close(),
  };
}

async function createDatabase(client: ClickHouseClient, database: string, place: string): Promise<void> {
  try {
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${database}` });
  } catch (error) {
    throw new EngineError(
      'server_unreachable',
      `ClickHouse at ${place} did not take a statement: ${(error as Error).message}. Check ROLLCALL_CLICKHOUSE_URL, its user and its password.`,
      { cause: error },
    );
  } finally {
    await client.close();
  }
}

/** Secrets are never printed. */
function withoutPassword(url: string): string {
  const parsed = new URL(url);
  parsed.password = '';
  return parsed.href;
}
