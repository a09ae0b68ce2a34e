/** Sends OTLP requests to a running service, as fast as it takes them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { UsageError } from '../print/failure.ts';
import { bodyOf, halve, type Batch, type OtlpRequest } from './batch.ts';

const gzip = promisify(gzipCallback);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** So long nothing may get through before it is given up. */
const PATIENCE_MS = 120_000;
// While one batch is under way the next is read.
const MOST_IN_FLIGHT = 2;

export interface SenderOptions {
  readonly url: string;
  readonly key: string | undefined;
  readonly patienceMs?: number;
}

/** What the service did not want, as it says itself. */
export interface RefusedByService {
  readonly count: number;
  readonly reason: string;
}

/** Sends batches, a few at a time; whoever adds one waits for room. */
export class Sender {
  /** Rows whose evidence has been accepted, durably. */
  rowsAccepted = 0;
  recordsSent = 0;
  readonly refused: RefusedByService[] = [];
  readonly #options: SenderOptions;
  readonly #inFlight = new Set<Promise<void>>();
  #failure: unknown;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /**
   * Asks whether somebody is there who lets us in, so that a wrong address or key is found out at once.
   * @throws UsageError
   */
  async check(): Promise<void> {
    const { url } = this.#options;
    const response = await this.#post('v1/logs', '{}').catch((error: unknown) => {
      throw new UsageError(
        `No service answers at ${url}. Start one with 'rollcall up', or name another with --url. (${causeOf(error)})`,
      );
    });
    if (HOPELESS.has(response.status)) throw await this.#hopeless(response);
    await response.body?.cancel();
  }

  /** @throws UsageError once sending is without hope */
  async add(batch: Batch): Promise<void> {
    while (this.#inFlight.size >= MOST_IN_FLIGHT) await Promise.race(this.#inFlight);
    this.#throwFailure();
    const sending: Promise<void> = this.#send(batch)
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .finally(() => this.#inFlight.delete(sending));
    this.#inFlight.add(sending);
  }

  /** Waits for what is under way. */
  async finish(): Promise<void> {
    await Promise.all(this.#inFlight);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  async #send(batch: Batch): Promise<void> {
    for (const request of batch.requests()) await this.#deliver(request);
    this.rowsAccepted += batch.rows;
  }

  async #deliver(request: OtlpRequest): Promise<void> {
    const body = bodyOf(request);
    const giveUpAtMs = Date.now() + (this.#options.patienceMs ?? PATIENCE_MS);
    for (let tries = 0; ; tries++) {
      const response = await this.#post(`v1/${request.signal}`, body).catch(causeOf);
      if (typeof response !== 'string') {
        if (response.ok) return this.#accepted(request, await response.text());
        if (response.status === 413) return this.#deliverHalves(request, await response.text());
        if (HOPELESS.has(response.status)) throw await this.#hopeless(response);
      }
      const afterMs = Math.max(retryAfterMs(response), backoffMs(tries));
      if (Date.now() + afterMs > giveUpAtMs) throw await this.#tooLong(response);
      if (typeof response !== 'string') await response.body?.cancel();
      await sleep(afterMs);
    }
  }

  async #deliverHalves(request: OtlpRequest, answer: string): Promise<void> {
    const halves = halve(request);
    if (halves.length === 0) this.refused.push({ count: 1, reason: answer.slice(0, 500) });
    for (const half of halves) await this.#deliver(half);
  }

  #accepted({ records }: OtlpRequest, answer: string): void {
    this.recordsSent += records.length;
    const { rejectedLogRecords, rejectedDataPoints, errorMessage = '' } = partialSuccessOf(answer);
    const count = Number(rejectedLogRecords ?? rejectedDataPoints ?? 0);
    if (count > 0) this.refused.push({ count, reason: errorMessage });
  }

  async #post(path: string, body: string): Promise<Response> {
    const { url, key } = this.#options;
    return fetch(`${url.replace(/\/$/, '')}/${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Content-Encoding': 'gzip',
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      },
      body: await gzip(body, { level: 1 }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
  }

  async #hopeless(response: Response): Promise<UsageError> {
    const hint =
      response.status === 401 || response.status === 403
        ? ' Set ROLLCALL_API_KEY to a key that may ingest.'
        : '';
    return new UsageError(
      `The service at ${this.#options.url} refuses the import: ${messageOf(await response.text(), response.status)}${hint}`,
    );
  }

  async #tooLong(response: Response | string): Promise<UsageError> {
    const last = typeof response === 'string' ? response : messageOf(await response.text(), response.status);
    return new UsageError(
      `The service at ${this.#options.url} takes nothing any more (${last}). ${this.rowsAccepted} rows are in; run the same command again, what is there already is not counted twice.`,
    );
  }
}

// Trying again does not help with these.
const HOPELESS = new Set([400, 401, 403, 404, 405, 415]);

function retryAfterMs(response: Response | string): number {
  const value = typeof response === 'string' ? null : response.headers.get('Retry-After');
  if (value === null) return 0;
  const afterMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(afterMs) ? Math.max(0, afterMs) : 0;
}

/** Doubles from try to try; up to half of it is chance, so that several importers do not come back together. */
function backoffMs(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** tries, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
}

function causeOf(error: unknown): string {
  const { cause, message } = error as Error;
  if (cause instanceof Error)
    return cause.message || String((cause as NodeJS.ErrnoException).code ?? cause.name);
  return message;
}

interface PartialSuccess {
  readonly rejectedLogRecords?: string;
  readonly rejectedDataPoints?: string;
  readonly errorMessage?: string;
}

function partialSuccessOf(answer: string): PartialSuccess {
  try {
    return (JSON.parse(answer) as { partialSuccess?: PartialSuccess }).partialSuccess ?? {};
  } catch {
    return {};
  }
}

/** The words of a `google.rpc.Status` or a problem, or what came instead. */
function messageOf(text: string, status: number): string {
  try {
    const { message, detail } = JSON.parse(text) as { message?: string; detail?: string };
    if (message !== undefined || detail !== undefined) return String(message ?? detail);
  } catch {
    // Not ours; say what it was.
  }
  return `HTTP ${status} ${text.slice(0, 200)}`.trim();
}
