/** Carries spans, events, log lines and metric points to ingest. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { ISerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { EVENT } from '@rollcall/semconv';
import type { Config } from '../config.ts';
import { sdkLog } from '../faults.ts';
import type { Series } from '../metrics/series.ts';
import type { KeptRequest } from '../spool/telemetry-file.ts';
import type { Contents, Keepable, Sent, TelemetrySpool } from '../spool/telemetry-spool.ts';
import { Outbox, type SendResult } from './outbox.ts';
import { postKept } from './post-kept.ts';
import { JSON_FORM, PROTOBUF_FORM } from './serializers.ts';
import { Transport } from './transport.ts';

/** Turns series into points at the moment of sending, and learns whether they arrived. */
export interface PointSource {
  read(batch: readonly Series[]): { metrics: ResourceMetrics; delivered: () => void };
  dropped(series: readonly Series[]): void;
}

/** A request with what became unconfirmed, and how many records it holds. */
export interface Packed extends Keepable {
  records: number;
}

/** Against spans and events: a client run has more series than either, and log lines are the least of what it tells. */
const SERIES_SHARE = 2.5;
const LOG_LINES_SHARE = 0.25;
const MAX_BATCH = 1_000;
const MAX_POINTS_BATCH = 2_500;
/** From here on a job that never waits for anything lets the event loop turn. */
const HIGH_WATER = 5_000;
/** From here on a job that outruns ingest is held back. */
const BRIM_SHARE = 0.25;
const LONGEST_HOLD_MS = 50;
const HOLD_STEP_MS = 5;

/** The outboxes and the way they take. */
export class Delivery {
  readonly spans: Outbox<ReadableSpan>;
  /** Rollcall's own events: starts, signs of life, ends, failures. */
  readonly events: Outbox<ReadableLogRecord>;
  /** Log records of the application. */
  readonly logs: Outbox<ReadableLogRecord>;
  readonly points: Outbox<Series>;
  readonly #transport: Transport | undefined;
  readonly #contentType: string;
  readonly #source: PointSource;
  readonly #serializers;
  readonly #spool: TelemetrySpool | undefined;
  readonly #brim: number;
  #keptSent: Promise<void> | undefined;
  #isSendingKept = false;
  #gaveUp = false;
  /** Whether something of this process waits on disk. */
  #hasSpilled = false;

  constructor(config: Config, source: PointSource, spool?: TelemetrySpool) {
    const { maxHeldRecords } = config;
    this.#brim = maxHeldRecords * BRIM_SHARE;
    this.#spool = spool;
    this.#transport = openTransport(config);
    this.#source = source;
    const json = config.protocol === 'http/json';
    this.#contentType = json ? 'application/json' : 'application/x-protobuf';
    this.#serializers = json ? JSON_FORM : PROTOBUF_FORM;
    const sendSpans = this.#sender('v1/traces', this.#serializers.traces);
    const sendLogs = this.#sender('v1/logs', this.#serializers.logs);
    const sendMetrics = this.#sender('v1/metrics', this.#serializers.metrics);
    this.spans = new Outbox({
      name: 'spans',
      send: async (batch) => sendSpans([...batch]),
      delayMs: 800,
      maxBatch: MAX_BATCH,
      limit: maxHeldRecords,
      spill: (spans) => this.#spill(spans, (batch) => this.#packSpans(batch)),
    });
    this.events = new Outbox({
      name: 'events',
      send: async (batch) => sendLogs([...batch]),
      delayMs: 150,
      maxBatch: MAX_BATCH,
      limit: maxHeldRecords,
      spill: (events) =>
        this.#spill(events, (batch) => this.#packLogs(batch.every(isBeat) ? 'beats' : 'events', batch)),
    });
    this.logs = new Outbox({
      name: 'log lines',
      send: async (batch) => sendLogs([...batch]),
      delayMs: 800,
      maxBatch: MAX_BATCH,
      limit: maxHeldRecords * LOG_LINES_SHARE,
      spill: (lines) => this.#spill(lines, (batch) => this.#packLogs('logs', batch)),
    });
    this.points = new Outbox({
      name: 'metric points',
      send: async (batch) => {
        const reading = source.read(batch);
        const result = await sendMetrics(reading.metrics);
        if (result.status === 'delivered') reading.delivered();
        return result;
      },
      delayMs: 800,
      maxBatch: MAX_POINTS_BATCH,
      limit: maxHeldRecords * SERIES_SHARE,
      spill: (series) => this.#spillPoints(series),
      onDrop: (series) => source.dropped(series),
    });
  }

  /** Records that ingest has not confirmed. */
  get backlog(): number {
    return this.spans.size + this.events.size + this.logs.size + this.points.size;
  }

  /** Whether there is something that a flush would wait for. */
  get isIdle(): boolean {
    return this.backlog === 0 && !this.#isSendingKept && !this.#hasSpilled;
  }

  /** Whether there is no point in waiting: the last attempt failed, or nothing came of the last wait. */
  get isAway(): boolean {
    return this.failing || this.#gaveUp;
  }

  get failing(): boolean {
    return this.#outboxes.some((outbox) => outbox.failing);
  }

  /** Waits until all that is held now was delivered, at most `timeoutMs`. Resolves to whether it was. */
  async flush(timeoutMs: number): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    const flushed = await Promise.all(this.#outboxes.map(async (outbox) => outbox.flush(timeoutMs)));
    this.#gaveUp = !flushed.every(Boolean);
    if (!this.#gaveUp) this.#sendSpilled();
    await this.#waitForKept(deadlineMs - performance.now());
    return !this.#gaveUp;
  }

  /** Tries again now what failed before: somebody else has heard from ingest. */
  retry(): void {
    for (const outbox of this.#outboxes) outbox.retry();
  }

  /**
   * Lets a job that does nothing but produce telemetry pause for its export: not at all below the high-water mark,
   * for one turn of the event loop above it, and up to 50 ms while the backlog stands at the brim.
   * Undefined when there is nothing to wait for, so that the usual case costs no turn at all.
   */
  pace(): Promise<void> | undefined {
    return this.backlog < HIGH_WATER ? undefined : this.#hold();
  }

  /**
   * Takes nothing more, and packs all that is not confirmed into requests, the most important first:
   * each is made when it is asked for, so that a process that has little time makes only what it has time for.
   */
  *pack(): Generator<Packed> {
    const nowhere = this.#transport === undefined;
    const [events, points, spans, logs] = [this.events, this.points, this.spans, this.logs].map((outbox) =>
      outbox.takeAll(),
    ) as [ReadableLogRecord[], Series[], ReadableSpan[], ReadableLogRecord[]];
    if (nowhere) return;
    const beats = events.filter(isBeat);
    yield* this.#packLogs(
      'events',
      events.filter((event) => !isBeat(event)),
    );
    yield* this.#packPoints(points);
    yield* this.#packSpans(spans);
    yield* this.#packLogs('logs', logs);
    yield* this.#packLogs('beats', beats);
  }

  /** Sends what earlier processes could not deliver, once, beside the work. A flush waits for it. */
  sendKept(): void {
    const spool = this.#spool;
    if (this.#keptSent !== undefined || spool === undefined) return;
    // Outside any run and untraced, like all that Rollcall sends.
    this.#isSendingKept = true;
    this.#keptSent = context.with(suppressTracing(ROOT_CONTEXT), async () => this.#drain(spool));
  }

  async #drain(spool: TelemetrySpool): Promise<void> {
    try {
      let sent = 0;
      // What is spilled while the folder is being emptied may have come after it was listed.
      let stopped: string | undefined;
      do {
        this.#hasSpilled = false;
        const drained = await spool.drain(async (request) => this.#postKept(request));
        sent += drained.sent;
        stopped = drained.stopped;
      } while (this.#hasSpilled && stopped === undefined);
      if (stopped !== undefined) this.#hasSpilled = true;
      if (sent > 0) sdkLog.info(`Sent ${sent} requests that could not be delivered earlier`);
    } catch (fault) {
      sdkLog.warn('What earlier processes kept could not be sent', fault);
    } finally {
      this.#isSendingKept = false;
    }
  }

  async #postKept(request: KeptRequest): Promise<Sent> {
    if (this.#transport === undefined) return { status: 'stop', reason: 'no endpoint' };
    return postKept(this.#transport, request);
  }

  /** With a timer that keeps the process alive, which the requests do not. */
  async #waitForKept(timeoutMs: number): Promise<void> {
    if (!this.#isSendingKept || timeoutMs <= 0) return;
    const late = new AbortController();
    await Promise.race([
      this.#keptSent,
      sleep(timeoutMs, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
  }

  async #hold(): Promise<void> {
    await nextTurn();
    for (let heldMs = 0; heldMs < LONGEST_HOLD_MS; heldMs += HOLD_STEP_MS) {
      if (this.backlog < this.#brim || this.failing) return;
      await sleep(HOLD_STEP_MS);
    }
  }

  /** Gives up what is held and breaks off what is in flight. */
  close(): void {
    for (const outbox of this.#outboxes) outbox.close();
    this.#transport?.close();
  }

  get #outboxes() {
    return [this.events, this.spans, this.points, this.logs];
  }

  /** Puts records on disk that memory has no room for, and gives back those that found none there either. */
  #spill<T>(records: readonly T[], pack: (batch: readonly T[]) => Iterable<Packed>): readonly T[] {
    return [...inBatches(records, MAX_BATCH)].flatMap((batch) => (this.#keep(pack(batch)) ? [] : batch));
  }

  #spillPoints(series: readonly Series[]): readonly Series[] {
    return [...inBatches(series, MAX_POINTS_BATCH)].flatMap((batch) => {
      const { metrics, delivered } = this.#source.read(batch);
      const encode = () => this.#serializers.metrics.serializeRequest(metrics);
      if (!this.#keep(this.#packed('points', 'v1/metrics', batch, encode))) return batch;
      delivered();
      return [];
    });
  }

  #keep(requests: Iterable<Packed>): boolean {
    if (this.#transport === undefined || this.#spool === undefined) return false;
    for (const request of requests) if (this.#spool.keep(request) !== 'kept') return false;
    if (!this.#hasSpilled)
      sdkLog.warn(`More is waiting than memory is for: the oldest records go to ${this.#spool.folder}`);
    this.#hasSpilled = true;
    return true;
  }

  /** Ingest is back. */
  #sendSpilled(): void {
    if (!this.#hasSpilled || this.#isSendingKept) return;
    this.#keptSent = undefined;
    this.sendKept();
  }

  *#packPoints(points: readonly Series[]): Generator<Packed> {
    const encode = (batch: readonly Series[]) =>
      this.#serializers.metrics.serializeRequest(this.#source.read(batch).metrics);
    for (const batch of inBatches(points, MAX_POINTS_BATCH)) {
      yield* this.#packed('points', 'v1/metrics', batch, encode);
    }
  }

  *#packSpans(spans: readonly ReadableSpan[]): Generator<Packed> {
    const encode = (batch: ReadableSpan[]) => this.#serializers.traces.serializeRequest(batch);
    for (const batch of inBatches(spans, MAX_BATCH)) {
      yield* this.#packed('spans', 'v1/traces', batch, encode);
    }
  }

  *#packLogs(contents: Contents, records: readonly ReadableLogRecord[]): Generator<Packed> {
    const encode = (batch: ReadableLogRecord[]) => this.#serializers.logs.serializeRequest(batch);
    for (const batch of inBatches(records, MAX_BATCH)) {
      yield* this.#packed(contents, 'v1/logs', batch, encode);
    }
  }

  /** One request; where a record makes that impossible, several without it. */
  *#packed<T>(
    contents: Contents,
    path: string,
    batch: T[],
    encode: (batch: T[]) => Uint8Array | undefined,
  ): Generator<Packed> {
    const encoded = tryEncode(() => encode(batch));
    if (encoded.status === 'encoded') {
      const { body } = encoded;
      if (body === undefined) return;
      yield { contents, path, contentType: this.#contentType, body, records: batch.length };
    } else if (batch.length === 1) {
      sdkLog.warn(`Dropped one of the ${contents}: ${encoded.reason}`);
    } else {
      const half = Math.ceil(batch.length / 2);
      for (const part of inBatches(batch, half)) yield* this.#packed(contents, path, part, encode);
    }
  }

  #sender<Request, Response extends { partialSuccess?: object }>(
    path: string,
    serializer: ISerializer<Request, Response>,
  ): (request: Request) => Promise<SendResult> {
    return async (request) => {
      if (this.#transport === undefined) return { status: 'delivered' };
      const encoded = tryEncode(() => serializer.serializeRequest(request));
      if (encoded.status !== 'encoded') return encoded;
      const { body: payload } = encoded;
      if (payload === undefined) return { status: 'delivered' };
      const posted = await this.#transport.post(path, payload, { contentType: this.#contentType });
      if (posted.status !== 'accepted') return posted;
      this.#sendSpilled();
      reportPartialSuccess(path, serializer, posted.body);
      return { status: 'delivered' };
    };
  }
}

type Encoded =
  | { status: 'encoded'; body: Uint8Array | undefined }
  | Extract<SendResult, { status: 'unencodable' }>;

function tryEncode(encode: () => Uint8Array | undefined): Encoded {
  try {
    return { status: 'encoded', body: encode() };
  } catch (fault) {
    return { status: 'unencodable', reason: `It cannot be encoded: ${String(fault)}` };
  }
}

/** Whether it is a sign of life, the one kind of event that the next of its kind replaces. */
function isBeat({ eventName }: ReadableLogRecord): boolean {
  return eventName === EVENT.RUN_HEARTBEAT || eventName === EVENT.CLIENT_RUN_HEARTBEAT;
}

function* inBatches<T>(records: readonly T[], size: number): Generator<T[]> {
  for (let start = 0; start < records.length; start += size) yield records.slice(start, start + size);
}

function openTransport(config: Config): Transport | undefined {
  if (config.disabled || config.endpoint === undefined) return undefined;
  return new Transport({
    endpoint: config.endpoint,
    headers: config.headers,
    requestTimeoutMs: config.requestTimeoutMs,
    compression: config.compression,
  });
}

function reportPartialSuccess<Response extends { partialSuccess?: object }>(
  path: string,
  serializer: ISerializer<never, Response>,
  body: Uint8Array,
): void {
  if (body.length === 0) return;
  try {
    const { partialSuccess } = serializer.deserializeResponse(body);
    if (partialSuccess !== undefined && Object.values(partialSuccess).some(Boolean)) {
      sdkLog.warn(`Ingest refused records of a request to ${path}: ${JSON.stringify(partialSuccess)}`);
    }
  } catch (error) {
    sdkLog.debug(`Ingest accepted a request to ${path} with an answer that cannot be read`, error);
  }
}
