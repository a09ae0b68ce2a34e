/** Speaks ClickHouse's HTTP interface, so that its clients connect to the embedded engine as to a server. */

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Transform } from 'node:stream';
import { finished } from 'node:stream/promises';
import { constants, createBrotliCompress, createDeflate, createGzip, createZstdCompress } from 'node:zlib';
import type { Logger } from 'pino';
import { guardConnections } from '../http/guard-connections.ts';
import type { Answer } from '../store/embedded-connection.ts';
import { isCoded, reportException } from './exception.ts';
import { withRevision } from './native-revision.ts';
import { readQuestion, type Question } from './question.ts';

/** What answers behind the front. */
export interface Respondent {
  readonly version: string;
  readonly timezone: string;
  /** Content types by format. */
  readonly contentTypes: ReadonlyMap<string, string>;
  /** Who asks is up to the respondent too. @throws FrontError, ClickHouseError */
  answer(question: Question): Promise<Answer>;
}

export interface FrontOptions {
  readonly respondent: Respondent;
  readonly log: Logger;
}

const TIME_TO_READ_MS = 100;
const NO_HANDLER = `There is no handle %s
Use / or /ping for health checks.
Send queries from your program with POST method or GET /?query=...
`;

/** Makes an HTTP server that is not listening yet. */
export function createFront(options: FrontOptions): Server {
  // Statements and parameters stand in addresses: a server takes as much.
  const server = createServer({ maxHeaderSize: 1024 ** 2 }, (request, response) => {
    void handle(request, response, options).catch((error: unknown) => {
      options.log.error({ err: error }, 'a request to the SQL port failed');
      response.destroy();
    });
  });
  guardConnections(server);
  return server;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  options: FrontOptions,
): Promise<void> {
  response.setHeader('X-ClickHouse-Server-Display-Name', 'rollcall');
  const { pathname, search } = new URL(request.url ?? '/', 'http://front');
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  if (pathname === '/ping' || (pathname === '/' && isReading && search === '')) {
    response.setHeader('Content-Type', 'text/html; charset=UTF-8');
    response.end('Ok.\n');
    return;
  }
  if (pathname !== '/' || !(isReading || request.method === 'POST')) {
    response.writeHead(pathname === '/' ? 501 : 404, { 'Content-Type': 'text/plain; charset=UTF-8' });
    response.end(NO_HANDLER.replace('%s', pathname));
    return;
  }
  await answer(request, response, options);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { respondent, log }: FrontOptions,
): Promise<void> {
  const hangUp = new AbortController();
  response.once('close', () => hangUp.abort());
  const startedMs = performance.now();
  let isStarted = false;
  let found: Answer | undefined;
  try {
    const question = await readQuestion(request, hangUp.signal);
    response.setHeader('X-ClickHouse-Query-Id', question.queryId);
    response.setHeader('X-ClickHouse-Timezone', respondent.timezone);
    found = await respondent.answer(question);
    const chunks =
      found.format === 'Native' ? await withRevision(found.chunks, question.revision) : found.chunks;
    const tag = randomBytes(8).toString('hex');
    response.setHeader('X-ClickHouse-Exception-Tag', tag);
    response.setHeader('X-ClickHouse-Format', found.format);
    response.setHeader('X-ClickHouse-Summary', summary(found, performance.now() - startedMs));
    response.setHeader(
      'Content-Type',
      respondent.contentTypes.get(found.format) ?? 'text/plain; charset=UTF-8',
    );
    isStarted = true;
    await send(response, chunks, question, (error) =>
      trailer(reportException(error, respondent.version).text, tag),
    );
  } catch (error) {
    if (hangUp.signal.aborted) return;
    if (!isCoded(error)) log.error({ err: error }, 'a request to the SQL port failed');
    if (isStarted) response.destroy();
    else refuse(request, response, reportException(error, respondent.version));
  } finally {
    found?.close();
  }
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { code, httpStatus, text }: ReturnType<typeof reportException>,
): void {
  response.statusCode = httpStatus;
  if (httpStatus === 401 || code === '516')
    response.setHeader('WWW-Authenticate', 'Basic realm="ClickHouse server HTTP API"');
  response.setHeader('X-ClickHouse-Exception-Code', code);
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  // What was not read of the body would be taken for the next request.
  if (!request.complete) response.setHeader('Connection', 'close');
  response.end(text);
}

/** Sends piece by piece, no faster than the client takes them. An error in the middle is told, and the transfer is broken off. */
async function send(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  { acceptEncoding, settings, signal }: Question,
  tell: (error: unknown) => string,
): Promise<void> {
  const encoding = settings['enable_http_compression'] === '1' ? encodingOf(acceptEncoding) : undefined;
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding.name);
  const out = encoding?.make() ?? response;
  if (out !== response) (out as Transform).pipe(response);
  let failure: unknown;
  try {
    for await (const chunk of chunks) {
      if (signal.aborted) return;
      if (!out.write(chunk)) await drained(out, signal);
    }
  } catch (error) {
    failure = error;
  }
  if (failure === undefined) {
    out.end();
    await finished(response);
    return;
  }
  // Clients of today read the words; all others at least see that the transfer was not ended properly.
  await new Promise<void>((resolve) => out.write(tell(failure), () => resolve()));
  if (out !== response)
    await new Promise<void>((resolve) => (out as ReturnType<typeof createGzip>).flush(() => resolve()));
  // A client that inflates in another thread was seen to hear of the broken connection before it had read the words.
  setTimeout(() => response.socket?.destroySoon(), TIME_TO_READ_MS);
}

async function drained(out: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    out.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** As servers since 25.11 frame it: https://clickhouse.com/docs/interfaces/http */
function trailer(text: string, tag: string): string {
  return `\r\n__exception__\r\n${tag}\r\n${text}${Buffer.byteLength(text)} ${tag}\r\n__exception__\r\n`;
}

function summary({ rows = 0, bytes = 0 }: Answer, elapsedMs: number): string {
  return JSON.stringify({
    read_rows: '0',
    read_bytes: '0',
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: String(rows),
    result_bytes: String(bytes),
    elapsed_ns: String(Math.round(elapsedMs * 1e6)),
  });
}

const ENCODERS: readonly { name: string; make: () => Transform }[] = [
  { name: 'gzip', make: () => createGzip({ level: 3 }) },
  { name: 'zstd', make: () => createZstdCompress() },
  { name: 'br', make: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }) },
  { name: 'deflate', make: () => createDeflate({ level: 3 }) },
];

function encodingOf(accepted: string): (typeof ENCODERS)[number] | undefined {
  const names = accepted.split(',').map((part) => part.split(';')[0]?.trim().toLowerCase());
  return ENCODERS.find(({ name }) => names.includes(name));
}
