/** ClickHouse's own client and bare HTTP requests find a ClickHouse at the SQL port. */

import { gunzipSync, gzipSync } from 'node:zlib';
import { createClient, TupleParam, type ClickHouseClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFrontFixture, type FrontFixture } from './front.fixture.ts';

let front: FrontFixture;
let client: ClickHouseClient;
let acme: ClickHouseClient;

beforeAll(async () => {
  front = await openFrontFixture();
  const log = { level: 127 } as const;
  client = createClient({ url: front.url, username: 'rollcall', password: front.password, log });
  acme = createClient({ url: front.url, username: 'acme', password: front.acmeKey, log });
});

afterAll(async () => {
  await client.close();
  await acme.close();
  await front.dispose();
});

/** As curl would, with the owner's password unless headers say otherwise. */
async function get(
  query: string,
  {
    headers = {},
    search = {},
    method = 'GET',
    body,
  }: {
    headers?: Record<string, string>;
    search?: Record<string, string>;
    method?: string;
    body?: Uint8Array<ArrayBuffer> | string;
  } = {},
): Promise<Response> {
  const url = new URL(front.url);
  if (query !== '') url.searchParams.set('query', query);
  for (const [name, value] of Object.entries(search)) url.searchParams.set(name, value);
  const named = Object.keys(headers).some((name) => /^(x-clickhouse-user|authorization)$/i.test(name));
  return fetch(url, {
    method,
    headers: {
      ...(named || 'user' in search
        ? {}
        : { 'X-ClickHouse-User': 'rollcall', 'X-ClickHouse-Key': front.password }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
}

describe('the official client', () => {
  test('pings, with and without a statement', async () => {
    expect(await client.ping()).toMatchObject({ success: true });
    expect(await client.ping({ select: true })).toMatchObject({ success: true });
  });

  test('reads JSON with its meta data', async () => {
    const result = await client.query({ query: 'SELECT 1 AS one, [2, 3] AS list', format: 'JSON' });

    expect(await result.json()).toMatchObject({
      meta: [
        { name: 'one', type: 'UInt8' },
        { name: 'list', type: 'Array(UInt8)' },
      ],
      data: [{ one: 1, list: [2, 3] }],
      rows: 1,
    });
  });

  test('reads JSONEachRow as rows', async () => {
    const result = await client.query({
      query: 'SELECT Body FROM otel_logs ORDER BY RunId',
      format: 'JSONEachRow',
    });

    expect(await result.json()).toEqual(
      ['first', "it's\n\nsecond", 'third', 'secret of globex', 'more of globex'].map((Body) => ({ Body })),
    );
  });

  test('streams JSONCompactEachRowWithNames, one header before all rows', async () => {
    const result = await client.query({
      query: 'SELECT number AS n FROM numbers(200000)',
      format: 'JSONCompactEachRowWithNames',
    });
    const seen: unknown[] = [];
    for await (const rows of result.stream()) for (const row of rows) seen.push(row.json());

    expect(seen.length).toBe(200_001);
    expect(seen.slice(0, 3)).toEqual([['n'], [0], [1]]);
  });

  test('streams many blocks of lines, gapless', async () => {
    const result = await client.query({
      query: 'SELECT number AS n FROM numbers(500000)',
      format: 'JSONEachRow',
    });
    let next = 0;
    for await (const rows of result.stream<{ n: number }>()) {
      for (const row of rows) expect(row.json().n).toBe(next++);
    }

    expect(next).toBe(500_000);
  });

  test('binds parameters of many types', async () => {
    const values = {
      text: "O'Brien \\ \t\n\n'; DROP TABLE otel_logs --",
      number: 42,
      real: 0.5,
      yes: true,
      day: '2025-01-02',
      at: new Date('2025-01-02T03:04:05.678Z'),
      none: null,
      words: ["it's", 'b\nc', ''],
      numbers: [1, 2],
      nested: [['a'], ['b', 'c']],
      pairs: { a: 1, b: 2 },
      tuple: new TupleParam(['x', 1]),
      big: '18446744073709551615',
      table: 'otel_logs',
    };
    const result = await client.query({
      query: `SELECT {text:String} AS text, {number:UInt32} AS number, {real:Float64} AS real, {yes:Bool} AS yes,
        toString({day:Date}) AS day, toString({at:DateTime64(3, 'UTC')}) AS at, {none:Nullable(String)} AS none,
        {words:Array(String)} AS words, {numbers:Array(UInt8)} AS numbers, {nested:Array(Array(String))} AS nested,
        {pairs:Map(String, UInt8)} AS pairs, {tuple:Tuple(String, UInt8)} AS tuple, {big:UInt64} AS big,
        count() AS n FROM {table:Identifier}`,
      query_params: values,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });

    expect(await result.json()).toEqual([
      {
        text: values.text,
        number: 42,
        real: 0.5,
        yes: true,
        day: '2025-01-02',
        at: '2025-01-02 03:04:05.678',
        none: null,
        words: values.words,
        numbers: [1, 2],
        nested: values.nested,
        pairs: { a: 1, b: 2 },
        tuple: ['x', 1],
        big: '18446744073709551615',
        n: '5',
      },
    ]);
  });

  test('sends large parameters as a form', async () => {
    const long = 'é'.repeat(200_000);
    const forms = createClient({
      url: front.url,
      username: 'rollcall',
      password: front.password,
      use_multipart_params: true,
    });
    const result = await forms.query({
      query: 'SELECT lengthUTF8({long:String}) AS n, {other:String} AS other',
      query_params: { long, other: 'x' },
      format: 'JSONEachRow',
    });

    expect(await result.json()).toEqual([{ n: 200_000, other: 'x' }]);
    await forms.close();
  });

  test('compresses both ways', async () => {
    const compressed = createClient({
      url: front.url,
      username: 'rollcall',
      password: front.password,
      compression: { request: true, response: true },
    });
    const result = await compressed.query({
      query: 'SELECT number FROM numbers(100000)',
      format: 'JSONEachRow',
    });

    expect(result.response_headers['content-encoding']).toBe('gzip');
    expect(await result.json()).toHaveLength(100_000);
    await compressed.close();
  });

  test('names its statement', async () => {
    const result = await client.query({ query: 'SELECT 1', query_id: 'of-my-own', format: 'JSON' });

    expect(result.query_id).toBe('of-my-own');
    await result.json();
  });

  test('runs bare statements: exec and command', async () => {
    const { stream, response_headers: headers } = await client.exec({ query: 'SELECT 7 FORMAT TSV' });
    const chunks = await stream.toArray();
    await client.command({ query: 'SELECT 1' });

    expect(Buffer.concat(chunks as Buffer[]).toString()).toBe('7\n');
    expect(headers['x-clickhouse-format']).toBe('TSV');
  });

  test('takes a session for granted, and another database for ours', async () => {
    const result = await client.query({
      query: 'SELECT currentDatabase() AS d',
      session_id: 'one',
      format: 'JSONEachRow',
    });

    expect(await result.json()).toEqual([{ d: 'rollcall' }]);
  });

  test('can give up, and the next statement is answered', async () => {
    const giveUp = new AbortController();
    const asked = Array.from({ length: 8 }, () =>
      client.query({
        query: 'SELECT sum(sleepEachRow(0.1)) FROM numbers(10)',
        abort_signal: giveUp.signal,
        format: 'JSON',
      }),
    );
    setTimeout(() => giveUp.abort(), 50);

    for (const { status } of await Promise.allSettled(asked)) expect(status).toBe('rejected');
    expect(await client.ping({ select: true })).toMatchObject({ success: true });
  });

  test('can let go of a stream in the middle as often as it likes', async () => {
    for (let n = 0; n < 12; n++) {
      const result = await client.query({
        query: 'SELECT number FROM numbers(100000000000)',
        format: 'JSONEachRow',
      });
      for await (const rows of result.stream()) if (rows.length > 0) break;
      result.close();
    }

    expect(await client.ping({ select: true })).toMatchObject({ success: true });
  });

  test.each([
    ['SELECT * FROM nope', '60', 'UNKNOWN_TABLE'],
    ['SELEC 1', '62', 'SYNTAX_ERROR'],
    ['SELECT nope', '47', 'UNKNOWN_IDENTIFIER'],
    ['SELECT nope(1)', '46', 'UNKNOWN_FUNCTION'],
    ["SELECT toUInt8('x')", '6', 'CANNOT_PARSE_TEXT'],
    ['SELECT {a:String}', '456', 'UNKNOWN_QUERY_PARAMETER'],
    ['SELECT throwIf(1)', '395', 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO'],
  ])('hears of %j with code %s', async (query, code, type) => {
    await expect(client.query({ query, format: 'JSONEachRow' })).rejects.toMatchObject({ code, type });
  });

  test('hears of an error in the middle of a stream', async () => {
    const result = await client.query({
      query: 'SELECT number, throwIf(number = 400000) FROM numbers(500000)',
      format: 'JSONEachRow',
    });
    const read = async (): Promise<void> => {
      for await (const rows of result.stream()) expect(rows.length).toBeGreaterThan(0);
    };

    await expect(read()).rejects.toMatchObject({ code: '395' });
  });

  test('many statements at once, each with parameters and settings of its own', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const result = await client.query({
          query: 'SELECT {n:UInt32} AS n, 18446744073709551615 AS big',
          query_params: { n },
          format: 'JSONEachRow',
          clickhouse_settings: { output_format_json_quote_64bit_integers: n % 2 === 0 ? 1 : 0 },
        });
        return result.text();
      }),
    );

    expect(answers).toEqual(
      Array.from({ length: 40 }, (_, n) =>
        n % 2 === 0 ? `{"n":${n},"big":"18446744073709551615"}\n` : `{"n":${n},"big":18446744073709551615}\n`,
      ),
    );
  });
});

describe('bare HTTP', () => {
  test('answers pings to anybody', async () => {
    for (const path of ['/ping', '/']) {
      const response = await fetch(front.url + path);
      expect([response.status, await response.text()]).toEqual([200, 'Ok.\n']);
    }
  });

  test('tells what it answers in headers', async () => {
    const response = await get('SELECT 1', { search: { query_id: 'q-1', default_format: 'JSONEachRow' } });

    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-clickhouse-query-id': 'q-1',
      'x-clickhouse-format': 'JSONEachRow',
      'x-clickhouse-server-display-name': 'rollcall',
      'x-clickhouse-timezone': expect.stringMatching(/\w/),
      'content-type': 'application/x-ndjson; charset=UTF-8',
    });
    expect(JSON.parse(response.headers.get('x-clickhouse-summary') ?? '')).toHaveProperty('elapsed_ns');
  });

  test.each([
    [{}, 'TabSeparated', '1\n'],
    [{ search: { default_format: 'CSV' } }, 'CSV', '1\n'],
    [{ headers: { 'X-ClickHouse-Format': 'JSONCompactEachRow' } }, 'JSONCompactEachRow', '[1]\n'],
  ])('takes the format from the request (%j)', async (options, format, text) => {
    const response = await get('SELECT 1', options);

    expect(response.headers.get('x-clickhouse-format')).toBe(format);
    expect(await response.text()).toBe(text);
  });

  test("a statement's own FORMAT goes before", async () => {
    const response = await get('SELECT 1 AS a FORMAT CSVWithNames', { search: { default_format: 'JSON' } });

    expect(await response.text()).toBe('"a"\n1\n');
  });

  test.each(['SELECT 1 AS a', 'SELECT '])('the body is the statement, or its rest', async (query) => {
    const response = await get(query === 'SELECT ' ? query : '', {
      method: 'POST',
      body: query === 'SELECT ' ? '1 AS a' : query,
    });

    expect(await response.text()).toBe('1\n');
  });

  test('takes gzip, and gives it to who asks for it', async () => {
    const response = await get('', {
      method: 'POST',
      body: Uint8Array.from(gzipSync('SELECT 1')),
      headers: { 'Content-Encoding': 'gzip' },
      search: { enable_http_compression: '1' },
    });

    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe('1\n');
  });

  test('bytes that are no gzip are refused', async () => {
    const response = await get('', {
      method: 'POST',
      body: 'SELECT 1',
      headers: { 'Content-Encoding': 'gzip' },
    });

    expect([response.status, response.headers.get('x-clickhouse-exception-code')]).toEqual([500, '271']);
  });

  test('a Native answer is whole blocks', async () => {
    const response = await get("SELECT number AS n, 'é' AS s FROM numbers(3)", {
      search: { default_format: 'Native' },
    });

    const column = (name: string, type: string): number[] => [
      name.length,
      ...Buffer.from(name),
      type.length,
      ...Buffer.from(type),
    ];
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([
      2, // columns
      3, // rows
      ...column('n', 'UInt64'),
      ...[0, 1, 2].flatMap((n) => [n, 0, 0, 0, 0, 0, 0, 0]),
      ...column('s', 'String'),
      ...[0, 1, 2].flatMap(() => [2, 0xc3, 0xa9]),
    ]);
  });

  test('Basic authentication, headers and the address all name a user, but only one at a time', async () => {
    const basic = `Basic ${Buffer.from(`rollcall:${front.password}`).toString('base64')}`;
    const byBasic = await get('SELECT 1', { headers: { Authorization: basic } });
    const byAddress = await get('SELECT 1', { search: { user: 'default', password: front.password } });
    const byTwo = await get('SELECT 1', {
      headers: { Authorization: basic, 'X-ClickHouse-User': 'rollcall', 'X-ClickHouse-Key': front.password },
    });

    expect([byBasic.status, byAddress.status, byTwo.status]).toEqual([200, 200, 403]);
  });

  test('an exception has its code, its status, and the words of a server', async () => {
    const response = await get('SELECT * FROM nope');

    expect(response.status).toBe(404);
    expect(response.headers.get('x-clickhouse-exception-code')).toBe('60');
    expect(await response.text()).toMatch(
      /^Code: 60\. DB::Exception: Unknown table expression identifier 'nope'.* \(UNKNOWN_TABLE\) \(version 26\.\d+\.\d+\.\d+\)\n$/s,
    );
  });

  test('every code that the front gives itself is the one that the engine knows by that name', async () => {
    const { CODES } = await import('./exception.ts');
    for (const [name, code] of Object.entries(CODES)) {
      expect(await (await get(`SELECT errorCodeToName(${code})`)).text()).toBe(`${name}\n`);
    }
  });
});

describe('what Grafana, DBeaver and other tools ask first', () => {
  test.each([
    ['SELECT version()', /^26\./],
    ['SELECT timezone()', /\w/],
    ['SHOW DATABASES', /^rollcall$/m],
    ['SHOW TABLES', /^job_runs$/m],
    ['SHOW TABLES FROM rollcall', /^otel_logs$/m],
    ['DESCRIBE TABLE job_runs', /^verdict\t/m],
    ['DESC TABLE "rollcall"."otel_logs"', /^Body\t/m],
    ['SHOW COLUMNS FROM otel_logs', /^Body\t/m],
    ['EXISTS TABLE otel_logs', /^1$/m],
    ['SHOW CREATE TABLE otel_logs', /CREATE TABLE/],
    ["SELECT name FROM system.tables WHERE database = 'rollcall'", /^otel_logs$/m],
    ["SELECT name, type FROM system.columns WHERE table = 'otel_logs'", /^Body\tString$/m],
    ['SELECT name FROM system.databases', /^rollcall$/m],
    ['SELECT name FROM system.functions LIMIT 1', /\w/],
    ['SELECT table_name FROM information_schema.tables', /^otel_logs$/m],
    ['SELECT name, value FROM system.settings LIMIT 1', /\w/],
    ['EXPLAIN SELECT 1', /\w/],
  ])('%s', async (query, expected) => {
    for (const asked of [client, acme]) {
      const result = await asked.query({ query, format: 'TabSeparated' });
      expect(await result.text()).toMatch(expected);
    }
  });

  test.each([
    { output_format_json_quote_64bit_integers: '1' },
    { date_time_output_format: 'iso' },
    { max_execution_time: '5', max_result_rows: '10' },
    { readonly: '1' },
    { log_comment: 'dashboard' },
    { allow_experimental_analyzer: '1' },
    { session_timezone: 'Europe/Berlin' },
    { send_progress_in_http_headers: '1', wait_end_of_query: '1', http_headers_progress_interval_ms: '100' },
  ])('the settings %j are taken', async (settings) => {
    const response = await get('SELECT 1', { search: settings });

    expect([response.status, await response.text()]).toEqual([200, '1\n']);
  });
});

describe('gzip', () => {
  test('what a client unzips is what was said', async () => {
    const url = new URL(front.url);
    url.search = new URLSearchParams({ query: 'SELECT 1', enable_http_compression: '1' }).toString();
    const { request } = await import('node:http');
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      const asked = request(url, {
        headers: {
          'Accept-Encoding': 'gzip',
          'X-ClickHouse-User': 'rollcall',
          'X-ClickHouse-Key': front.password,
        },
      });
      asked.once('error', reject);
      asked.once('response', (response) => {
        void response.toArray().then((chunks) => resolve(Buffer.concat(chunks as Buffer[])), reject);
      });
      asked.end();
    });

    expect(gunzipSync(bytes).toString()).toBe('1\n');
  });
});
