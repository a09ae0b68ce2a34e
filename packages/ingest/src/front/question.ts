/** Reads a request of ClickHouse's HTTP interface: who asks, which statement, with what parameters and settings. */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { FrontError } from './exception.ts';
import { readRevision } from './native-revision.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** What a client asks. */
export interface Question {
  readonly method: string;
  readonly credentials: Credentials;
  readonly queryId: string;
  /** The statement, or its beginning: what follows stands in the body. */
  readonly query: string;
  /** Inflated as it is read. */
  readonly body: Readable;
  readonly database: string | undefined;
  readonly defaultFormat: string;
  /** What the client's Native format looks like; 0 is that of clients without a version. */
  readonly revision: number;
  /** Values for `{name:Type}`, escaped as in TSV. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Everything else in the address is a setting, as it is for a server. */
  readonly settings: Readonly<Record<string, string>>;
  readonly acceptEncoding: string;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
}

/** Addressed to the interface itself, not settings of the engine. The last four are told by clients for a progress that is not reported. */
const OWN_PARAMETERS = new Set([
  'query',
  'database',
  'default_format',
  'query_id',
  'user',
  'password',
  'quota_key',
  'role',
  'compress',
  'decompress',
  'client_protocol_version',
  'stacktrace',
  'session_id',
  'session_timeout',
  'session_check',
  'close_session',
  'buffer_size',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'http_headers_progress_interval_ms',
  'add_http_cors_header',
  'cancel_http_readonly_queries_on_client_close',
]);
const MULTIPART_MAX_BYTES = 16 * 1024 ** 2;

/** @throws FrontError of what this interface can not do, or what contradicts itself */
export async function readQuestion(request: IncomingMessage, signal: AbortSignal): Promise<Question> {
  const url = new URL(request.url ?? '/', 'http://front');
  const header = (name: string): string => String(request.headers[name] ?? '');
  const fields = url.searchParams;
  let body: Readable = inflate(request, header('content-encoding'));
  if (/^multipart\/form-data\b/i.test(header('content-type'))) {
    for (const [name, value] of await readForm(body, header('content-type'))) fields.append(name, value);
    body = Readable.from([]);
  }
  refuseUnsupported(fields);
  const parameters: Record<string, string> = {};
  const settings: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (name.startsWith('param_')) parameters[name.slice('param_'.length)] = value;
    else if (!OWN_PARAMETERS.has(name)) settings[name] = value;
  }
  return {
    method: request.method ?? 'GET',
    credentials: readCredentials(fields, header),
    queryId: readQueryId(fields),
    query: fields.get('query') ?? '',
    body,
    database: fields.get('database') || header('x-clickhouse-database') || undefined,
    defaultFormat: fields.get('default_format') || header('x-clickhouse-format') || 'TabSeparated',
    revision: readRevision(fields.get('client_protocol_version')),
    parameters,
    settings,
    acceptEncoding: header('accept-encoding'),
    signal,
  };
}

/** The whole statement. @throws FrontError where it is larger than `maxBytes` */
export async function readStatement({ query, body }: Question, maxBytes: number): Promise<string> {
  const rest = (await readAll(body, maxBytes - Buffer.byteLength(query))).toString('utf8');
  // A server reads the body as the rest of the statement.
  return query === '' || rest === '' ? query + rest : `${query}\n${rest}`;
}

async function readAll(body: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw new FrontError('QUERY_IS_TOO_LARGE', 'The statement is too large.');
      chunks.push(chunk);
    }
  } catch (error) {
    if (!/^Z_|^ERR_(BROTLI|ZSTD)|^ZSTD/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw new FrontError(
      'CANNOT_DECOMPRESS',
      `Cannot decompress the body: ${(error as Error).message}. It is not what its Content-Encoding says.`,
    );
  }
  return Buffer.concat(chunks);
}

/** It goes back in a header. */
function readQueryId(fields: URLSearchParams): string {
  const given = fields.get('query_id') || randomUUID();
  if (/^[\x21-\x7e]{1,256}$/.test(given)) return given;
  throw new FrontError('BAD_ARGUMENTS', 'A query_id has 1 to 256 printable ASCII characters here, no space.');
}

function refuseUnsupported(fields: URLSearchParams): void {
  if (fields.get('compress') === '1' || fields.get('decompress') === '1') {
    throw new FrontError(
      'SUPPORT_IS_DISABLED',
      "ClickHouse's own block compression (compress=1, decompress=1) is not spoken here; use gzip by Content-Encoding and Accept-Encoding with enable_http_compression=1, in clickhouse-go: Compression.Method CompressionGZIP.",
    );
  }
  const role = fields.get('role');
  if (role !== null)
    throw new FrontError('UNKNOWN_ROLE', `Role ${role} is not found: there are no roles here.`);
}

/** By headers, Basic authentication, or the address, but not by two of them; as authenticateUserByHTTP() does. */
function readCredentials(fields: URLSearchParams, header: (name: string) => string): Credentials {
  const user = header('x-clickhouse-user');
  const password = header('x-clickhouse-key');
  const authorization = header('authorization');
  const byAddress = fields.has('user') || fields.has('password');
  const ways = [
    ...(user !== '' || password !== '' ? ['X-ClickHouse HTTP headers'] : []),
    ...(authorization !== '' ? ['Authorization HTTP header'] : []),
    ...(byAddress ? ['authentication via parameters'] : []),
  ];
  if (ways.length > 1) {
    throw new FrontError(
      'AUTHENTICATION_FAILED',
      `Invalid authentication: it is not allowed to use ${ways[0]} and ${ways[1]} simultaneously.`,
    );
  }
  if (authorization !== '') return readBasic(authorization);
  if (byAddress) return { user: fields.get('user') ?? 'default', password: fields.get('password') ?? '' };
  return { user: user === '' ? 'default' : user, password };
}

function readBasic(authorization: string): Credentials {
  const encoded = /^Basic\s+(\S+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) {
    throw new FrontError(
      'AUTHENTICATION_FAILED',
      `Invalid authentication: '${authorization.split(' ')[0]}' HTTP Authorization scheme is not supported; use Basic.`,
    );
  }
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  return { user: user === '' ? 'default' : user, password: password.join(':') };
}

function inflate(request: IncomingMessage, encoding: string): Readable {
  if (encoding === '' || encoding === 'identity') return request;
  const make = DECODERS[encoding];
  if (make === undefined) {
    throw new FrontError(
      'SUPPORT_IS_DISABLED',
      `Unknown Content-Encoding '${encoding}'; use ${Object.keys(DECODERS).join(', ')}.`,
    );
  }
  const inflated = make();
  request.once('error', (error) => inflated.destroy(error));
  // Whoever reads hears of it; nobody has to.
  inflated.once('error', () => request.unpipe(inflated).resume());
  return request.pipe(inflated);
}

const DECODERS: Record<string, () => ReturnType<typeof createGunzip>> = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

async function readForm(body: Readable, contentType: string): Promise<[string, string][]> {
  const bytes = await readAll(body, MULTIPART_MAX_BYTES);
  const form = await new Response(Uint8Array.from(bytes), { headers: { 'Content-Type': contentType } })
    .formData()
    .catch((error: Error) => {
      throw new FrontError('BAD_ARGUMENTS', `Cannot read the form: ${error.message}.`);
    });
  return [...form].map(([name, value]) => {
    if (typeof value === 'string') return [name, value];
    throw new FrontError('SUPPORT_IS_DISABLED', 'External tables are not taken here; use parameters.');
  });
}
