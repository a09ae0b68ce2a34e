/** Turns the bodies of OTLP requests into blocks that are ready to be inserted. */
import { Arena } from '../native/arena.ts';
import { MalformedBody } from '../otlp/fault.ts';
import { walkJsonRequest } from '../otlp/json-records.ts';
import { JsonTape } from '../otlp/json-tape.ts';
import { MAX_ROWS_BYTES } from '../otlp/limits.ts';
import { walkProtobufMetrics } from '../otlp/protobuf-metrics.ts';
import { walkProtobufRecords } from '../otlp/protobuf-records.ts';
import type { Signal } from '../otlp/records.ts';
import { Request } from '../otlp/request.ts';
import { walkLogRecord } from '../otlp/walk-logs.ts';
import { walkSpan } from '../otlp/walk-spans.ts';
import type { RowContext } from './origin-columns.ts';
import type { OtelTable } from './tables.ts';
import type { Block } from './table-writer.ts';
import type { Refusal } from './tally.ts';
import { Writers } from './writers.ts';

export type { Block, Refusal, Signal };

/** How the body of a request is written; the answer is written alike. */
export type Encoding = 'protobuf' | 'json';

/**
 * `ok`: rows to insert, and what was refused; `accepted` counts the records kept, which include metric points
 * that say they have no value and therefore make no row. `malformed`: the body is not OTLP, nothing is kept.
 */
export type Transcoded =
  | { status: 'ok'; rows: TableRows[]; sizeBytes: number; accepted: number; refused: Refusal[] }
  | { status: 'malformed'; message: string };

/** How many rows a request made in a table. */
export interface TableRows {
  readonly table: OtelTable;
  readonly rows: number;
}

const KEPT_ARENA_BYTES = 256 * 1024 * 1024;

/**
 * Writes the records of inflated OTLP 1.x bodies into columns, one body behind the other, until the rows are taken:
 * requests that arrive together end up in one block per table. Touches nothing else.
 *
 * @example
 * const result = transcoder.add('traces', 'protobuf', body, { projectId: 'default', receivedAtMs: Date.now() });
 * for (const block of transcoder.take()) append(block);
 */
export class Transcoder {
  #arena: Arena | undefined;
  #writers: Writers;
  readonly #tape = new JsonTape();
  #sizeBytes = 0;

  /** Without its kernel it makes the same rows, three times as slowly. */
  constructor({ hasKernel = true }: { hasKernel?: boolean } = {}) {
    this.#arena = hasKernel ? new Arena() : undefined;
    this.#writers = new Writers(this.#arena);
  }

  /** Bytes of the rows that wait to be taken, about. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Adds the rows of a body. A bad record is refused alone; never throws on account of the body. `named` says what the
   * request is called, and which tables have its rows from an earlier time: those get none.
   */
  add(
    signal: Signal,
    encoding: Encoding,
    body: Uint8Array,
    context: RowContext,
    named?: { readonly name: string; readonly kept: readonly string[] },
  ): Transcoded {
    const writers = this.#writers;
    const request = new Request(context);
    const budget = { leftBytes: MAX_ROWS_BYTES };
    const before = writers.all.map(({ rows }) => rows);
    writers.begin(signal, budget);
    try {
      this.#walk(signal, encoding, body, request);
    } catch (error) {
      writers.undo(signal);
      if (error instanceof MalformedBody) return { status: 'malformed', message: error.message };
      throw error;
    }
    if (named !== undefined) writers.name(signal, named);
    const sizeBytes = MAX_ROWS_BYTES - budget.leftBytes;
    this.#sizeBytes += sizeBytes;
    const rows = writers.all
      .map((writer, index) => ({ table: writer.table, rows: writer.rows - (before[index] ?? 0) }))
      .filter((table) => table.rows > 0);
    return {
      status: 'ok',
      rows,
      sizeBytes,
      accepted: request.tally.accepted,
      refused: request.tally.refusals(),
    };
  }

  /** All rows so far, one block per table that has any, in the order of the tables. */
  take(): Block[] {
    this.#sizeBytes = 0;
    const blocks = this.#writers.take();
    // Memory of WebAssembly never shrinks: after a very large request it is given up as a whole.
    if (this.#arena && this.#arena.sizeBytes > KEPT_ARENA_BYTES) {
      this.#arena = new Arena();
      this.#writers = new Writers(this.#arena);
    }
    return blocks;
  }

  /**
   * XXH64 of a body, read where the kernel reads it: where that body is the next to be added, it is there already.
   */
  checksum(body: Uint8Array): bigint {
    return this.#writers.checksum(body);
  }

  /** Rows that the kernel has walked since the memory was taken. */
  get kernelRows(): number {
    return this.#writers.all.reduce((sum, { kernelRows }) => sum + kernelRows, 0);
  }

  #walk(signal: Signal, encoding: Encoding, body: Uint8Array, request: Request): void {
    const writers = this.#writers;
    if (encoding === 'json') return walkJsonRequest(signal, body, request, writers, this.#tape);
    const shown = writers.show(body);
    if (signal === 'traces') return walkProtobufRecords(body, request, writers.span, walkSpan, shown);
    if (signal === 'logs') return walkProtobufRecords(body, request, writers.log, walkLogRecord, shown);
    return walkProtobufMetrics(body, request, writers, shown);
  }
}
