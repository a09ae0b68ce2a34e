/** Posts OTLP requests. */
import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import type { SendResult } from './outbox.ts';

const gzip = promisify(gzipCallback);
// The fastest level already shrinks OTLP about tenfold.
const GZIP_LEVEL = 1;
/** Less is not worth it. */
const MIN_GZIP_BYTES = 1_024;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;
const MAX_ANSWER_BYTES = 65_536;
/** How a write to a connection fails that the other end has closed. */
const CLOSED = new Set(['ECONNRESET', 'EPIPE']);

export interface TransportOptions {
  /** Base URL; `/v1/traces` and its siblings are appended to its path. */
  endpoint: URL;
  headers: Readonly<Record<string, string>>;
  requestTimeoutMs: number;
  /** Not given: gzip, and none towards this very machine, where it costs more than it spares. */
  compression?: Compression | undefined;
}

export type Compression = 'gzip' | 'none';

/** What a body is. */
export interface BodyKind {
  contentType: string;
  /** Whether it is gzipped already. */
  isGzipped?: boolean;
}

/** What ingest answered to a request that it accepted. */
export type Posted = { status: 'accepted'; body: Uint8Array } | Exclude<SendResult, { status: 'delivered' }>;

/**
 * An HTTP client for one ingest service, whose requests never keep the process alive.
 * The stock OTLP exporters cannot promise that: they wait for their own retries with timers that do,
 * up to 10 s each, so that a finished job would hang when ingest is away.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent: http.Agent;
  readonly #compression: Compression;

  constructor(options: TransportOptions) {
    this.#options = options;
    const Agent = options.endpoint.protocol === 'https:' ? https.Agent : http.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 4 });
    this.#compression = options.compression ?? (LOOPBACK.test(options.endpoint.hostname) ? 'none' : 'gzip');
  }

  /**
   * Posts one request body to a path such as `v1/traces`. Does not throw.
   * A connection that was kept alive may be closed at the other end in the very moment that a request goes out on it:
   * that one is sent again at once, on a new one.
   */
  async post(
    path: string,
    payload: Uint8Array,
    kind: BodyKind,
    timeoutMs = this.#options.requestTimeoutMs,
  ): Promise<Posted> {
    const gzips = kind.isGzipped !== true && this.#compression === 'gzip' && payload.length >= MIN_GZIP_BYTES;
    const body = gzips ? await gzip(payload, { level: GZIP_LEVEL }) : payload;
    const sent = { ...kind, isGzipped: gzips || kind.isGzipped === true };
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const posted = await this.#send(path, body, sent, Math.max(1, deadlineMs - performance.now()));
      if (posted !== 'stale') return posted;
    }
  }

  /** Breaks off what is in flight. */
  close(): void {
    this.#agent.destroy();
  }

  /** 'stale' where the connection had been used before, and turned out to be closed. */
  async #send(path: string, body: Uint8Array, kind: BodyKind, timeoutMs: number): Promise<Posted | 'stale'> {
    const { promise, resolve } = Promise.withResolvers<Posted | 'stale'>();
    const request = this.#open(path, body.length, kind);
    const failed = (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && CLOSED.has(error.code ?? '');
      resolve(isStale ? 'stale' : { status: 'retry', reason: describeFailure(error) });
    };
    request.on('error', failed);
    request.on('socket', (socket) => socket.unref());
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('error', failed);
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes <= MAX_ANSWER_BYTES) chunks.push(chunk);
      });
      response.on('end', () => resolve(readAnswer(response, Buffer.concat(chunks))));
    });
    const timer = setTimeout(() => {
      request.destroy(new Error(`No answer within ${Math.round(timeoutMs)} ms`));
    }, timeoutMs).unref();
    request.end(body);
    const posted = await promise;
    clearTimeout(timer);
    return posted;
  }

  #open(path: string, sizeBytes: number, { contentType, isGzipped }: BodyKind): http.ClientRequest {
    const { endpoint, headers } = this.#options;
    const url = new URL(endpoint);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
    const { request } = url.protocol === 'https:' ? https : http;
    return request(url, {
      method: 'POST',
      agent: this.#agent,
      headers: {
        'user-agent': 'rollcall-sdk-node',
        ...headers,
        'content-type': contentType,
        ...(isGzipped === true ? { 'content-encoding': 'gzip' } : {}),
        'content-length': sizeBytes,
      },
    });
  }
}

// Only these say that the data itself can never be accepted. The rest (no such key, no such path, too busy)
// can be put right while the data waits.
const HOPELESS = new Set([400, 415, 422]);

function readAnswer(response: http.IncomingMessage, body: Buffer): Posted {
  const code = response.statusCode ?? 0;
  if (code >= 200 && code < 300) return { status: 'accepted', body };
  const reason = `HTTP ${code} ${response.statusMessage ?? ''}`.trim();
  if (code === 413) return { status: 'too_large', reason };
  if (HOPELESS.has(code)) return { status: 'rejected', reason };
  const afterMs = readRetryAfter(response.headers['retry-after']);
  return { status: 'retry', reason, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** Seconds, or a date (RFC 9110, section 10.2.3). */
function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const afterMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(afterMs) ? Math.max(0, afterMs) : undefined;
}

/** A refused connection to several addresses is an AggregateError without a message. */
function describeFailure(error: Error): string {
  if (error.message !== '') return error.message;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
