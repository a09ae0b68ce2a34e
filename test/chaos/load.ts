/** Sends OTLP over a bad line, and keeps book of what was acknowledged. */

import { setTimeout as sleep } from 'node:timers/promises';
import { encodeProtobuf, type JsonRequest } from '../../packages/ingest/src/otlp/protobuf-request.fixture.ts';
import { gzipSync } from 'node:zlib';

type Signal = 'traces' | 'logs' | 'metrics';

interface Request {
  readonly signal: Signal;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly records: readonly string[];
}

/** Names of the records of one signal: what the service said it has, and what it never answered about. */
export interface Book {
  readonly acknowledged: Set<string>;
  readonly unanswered: Set<string>;
}

export interface LoadOptions {
  readonly url: string;
  /** `service.name` of everything that is sent. */
  readonly source: string;
  /** From 0 to 1. */
  readonly random: () => number;
}

const SENDERS = 4;
const RECORDS_AT_MOST = 40;
const REQUEST_TIMEOUT_MS = 3_000;
/** How often a request is sent twice at once, sent again although it was acknowledged, and given up. */
const TWINS = 0.15;
const ECHOES = 0.1;
const GIVEN_UP = 0.1;

/** Four senders, each with one request under way; some requests come twice, late, or out of order. */
export class Load {
  readonly books: Record<Signal, Book> = { traces: newBook(), logs: newBook(), metrics: newBook() };
  readonly #options: LoadOptions;
  readonly #sent: Request[] = [];
  readonly #senders: Promise<void>[];
  #records = 0;
  #isOver = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#senders = Array.from({ length: SENDERS }, async () => this.#send());
  }

  /** Resolves when every request has been answered, or given up. */
  async finish(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#senders);
  }

  get acknowledged(): number {
    return Object.values(this.books).reduce((sum, { acknowledged }) => sum + acknowledged.size, 0);
  }

  async #send(): Promise<void> {
    const { random } = this.#options;
    while (!this.#isOver) {
      const request = this.#next();
      const copies = random() < TWINS ? 2 : 1;
      const answers = await Promise.all(Array.from({ length: copies }, async () => this.#deliver(request)));
      this.#enter(request, answers.includes(true));
      const echo = this.#sent[Math.floor(random() * this.#sent.length)];
      if (echo !== undefined && random() < ECHOES) await this.#post(echo);
    }
  }

  #next(): Request {
    const { random, source } = this.#options;
    const signal = (['traces', 'logs', 'metrics'] as const)[Math.floor(random() * 3)] ?? 'traces';
    const first = this.#records;
    this.#records += 1 + Math.floor(random() * RECORDS_AT_MOST);
    const records = Array.from({ length: this.#records - first }, (_, n) => `${signal} ${first + n}`);
    return newRequest(signal, source, records, random);
  }

  /** Tries until it is acknowledged, unless patience ends. */
  async #deliver(request: Request): Promise<boolean> {
    for (;;) {
      if (await this.#post(request)) return true;
      if (this.#options.random() < GIVEN_UP) return false;
      await sleep(20 + 80 * this.#options.random());
    }
  }

  async #post({ signal, headers, body }: Request): Promise<boolean> {
    try {
      const response = await fetch(`${this.#options.url}/v1/${signal}`, {
        method: 'POST',
        headers,
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const text = await response.text();
      if (response.status === 200) return true;
      // Anything but a plea for patience is a fault of the service.
      if (response.status === 503 || response.status === 429) return false;
      throw new UnexpectedAnswer(`HTTP ${response.status} to ${signal}: ${text}`);
    } catch (error) {
      if (error instanceof UnexpectedAnswer) throw error;
      return false;
    }
  }

  #enter(request: Request, isAcknowledged: boolean): void {
    const book = this.books[request.signal];
    for (const record of request.records) (isAcknowledged ? book.acknowledged : book.unanswered).add(record);
    if (isAcknowledged) this.#sent.push(request);
  }
}

class UnexpectedAnswer extends Error {}

function newBook(): Book {
  return { acknowledged: new Set(), unanswered: new Set() };
}

function newRequest(
  signal: Signal,
  source: string,
  records: readonly string[],
  random: () => number,
): Request {
  const message = MESSAGES[signal](source, records);
  const isJson = random() < 0.3;
  const isGzipped = random() < 0.5;
  const plain = isJson ? Buffer.from(JSON.stringify(message)) : encodeProtobuf(signal, message);
  return {
    signal,
    headers: {
      'content-type': isJson ? 'application/json' : 'application/x-protobuf',
      ...(isGzipped ? { 'content-encoding': 'gzip' } : {}),
    },
    body: new Uint8Array(isGzipped ? gzipSync(plain) : plain),
    records,
  };
}

const MESSAGES: Record<Signal, (source: string, records: readonly string[]) => JsonRequest> = {
  traces: (source, records) => ({
    resourceSpans: [
      {
        resource: resourceOf(source),
        scopeSpans: [
          {
            spans: records.map((name) => ({
              traceId: 'c'.repeat(32),
              spanId: (Number(name.split(' ')[1]) + 1).toString(16).padStart(16, '0'),
              name,
              startTimeUnixNano: nowNs(),
              endTimeUnixNano: nowNs(),
              attributes: [{ key: 'padding', value: { stringValue: 'x'.repeat(200) } }],
            })),
          },
        ],
      },
    ],
  }),
  logs: (source, records) => ({
    resourceLogs: [
      {
        resource: resourceOf(source),
        scopeLogs: [
          { logRecords: records.map((name) => ({ timeUnixNano: nowNs(), body: { stringValue: name } })) },
        ],
      },
    ],
  }),
  // A request of metrics ends in two tables, of which one may be on disk when the service dies.
  metrics: (source, records) => ({
    resourceMetrics: [
      {
        resource: resourceOf(source),
        scopeMetrics: [
          {
            metrics: [
              { name: 'chaos.gauge', gauge: { dataPoints: pointsOf(records.filter((_, n) => n % 2 === 0)) } },
              {
                name: 'chaos.sum',
                sum: {
                  aggregationTemporality: 2,
                  isMonotonic: true,
                  dataPoints: pointsOf(records.filter((_, n) => n % 2 === 1)),
                },
              },
            ],
          },
        ],
      },
    ],
  }),
};

function pointsOf(records: readonly string[]): object[] {
  return records.map((name) => ({
    startTimeUnixNano: nowNs(),
    timeUnixNano: nowNs(),
    asDouble: Number(name.split(' ')[1]),
    attributes: [{ key: 'record', value: { stringValue: name } }],
  }));
}

function resourceOf(source: string): object {
  return { attributes: [{ key: 'service.name', value: { stringValue: source } }] };
}

function nowNs(): string {
  return `${Date.now()}000000`;
}
