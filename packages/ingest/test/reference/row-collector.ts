/** Gathers the rows of one request into one block per table, and counts what was refused. */
import {
  contain,
  type Fault,
  RECORD_TOO_LARGE,
  type RecordSink,
  type RefusalReason,
} from '../../src/otlp/fault.ts';
import { MAX_RECORDS, MAX_ROW_BYTES, MAX_ROWS_BYTES } from '../../src/otlp/limits.ts';
import type { Origin } from '../../src/otlp/records.ts';
import { OriginColumns, type RowContext } from './origin-columns.ts';
import { OTEL_TABLES, type OtelTable } from '../../src/rows/tables.ts';

/** Rows for one table, ready for `INSERT … FORMAT JSONEachRow`. */
export interface Block {
  table: OtelTable;
  rows: number;
  format: 'JSONEachRow';
  /** One line of JSON per row, each ended by a newline; no other raw newline occurs. */
  bytes: Buffer;
}

/** Records of one request that were refused for one reason. */
export interface Refusal {
  reason: RefusalReason;
  count: number;
  /** The first example: what was wrong, the value seen, what would work. */
  message: string;
}

/** A row without the columns of its origin, as JSON members. */
export interface Row {
  table: OtelTable;
  columns: string;
}

const CHUNK_LENGTH = 64 * 1024;

const BATCH_TOO_LARGE: Fault = {
  reason: 'batch_too_large',
  message: `The rows of this request exceed ${MAX_ROWS_BYTES} characters; send smaller batches.`,
};
const TOO_MANY_RECORDS: Fault = {
  reason: 'too_many_records',
  message: `More than ${MAX_RECORDS} records in one request; send smaller batches.`,
};

/** The rows of one request. */
export class RowCollector {
  accepted = 0;
  readonly #context: RowContext;
  readonly #columns: OriginColumns;
  readonly #lines = new Map<OtelTable, LineBuffer>();
  readonly #refused = new Map<RefusalReason, Refusal>();
  #records = 0;
  #length = 0;
  #closed: Fault | undefined;

  constructor(context: RowContext) {
    this.#context = context;
    this.#columns = new OriginColumns(context);
  }

  /** Takes decoded records, and makes a row of each with `toRow`; a record without a row is accepted all the same. */
  sink<Item>(toRow: (item: Item, origin: Origin, context: RowContext) => Row | undefined): RecordSink<Item> {
    return {
      record: (origin, item) => this.#record(origin, () => toRow(item, origin, this.#context)),
      fault: (fault, count = 1) => this.#refuse(fault, count),
      closed: () => this.#closed,
    };
  }

  /** Blocks with at least one row, in the order of the tables. */
  blocks(): Block[] {
    return OTEL_TABLES.flatMap((table) => {
      const lines = this.#lines.get(table);
      return lines ? [{ table, rows: lines.count, format: 'JSONEachRow', bytes: lines.toBuffer() }] : [];
    });
  }

  refused(): Refusal[] {
    return [...this.#refused.values()];
  }

  #record(origin: Origin, toRow: () => Row | undefined): void {
    const result = this.#line(origin, toRow);
    if ('fault' in result) return this.#refuse(result.fault, 1);
    this.#count(1);
    this.accepted++;
    if (result.item) this.#append(result.item.table, result.item.line);
  }

  #line(
    origin: Origin,
    toRow: () => Row | undefined,
  ): { item: { table: OtelTable; line: string } | undefined } | { fault: Fault } {
    const columns = this.#columns.of(origin);
    if ('fault' in columns) return columns;
    const row = contain(toRow);
    if ('fault' in row) return row;
    if (!row.item) return { item: undefined };
    const length = columns.item.length + row.item.columns.length;
    if (length > MAX_ROW_BYTES) return { fault: RECORD_TOO_LARGE };
    if (this.#length + length > MAX_ROWS_BYTES) return { fault: (this.#closed = BATCH_TOO_LARGE) };
    return { item: { table: row.item.table, line: `{${columns.item},${row.item.columns}}\n` } };
  }

  #append(table: OtelTable, line: string): void {
    let lines = this.#lines.get(table);
    if (!lines) this.#lines.set(table, (lines = new LineBuffer()));
    lines.append(line);
    this.#length += line.length;
  }

  #refuse({ reason, message }: Fault, count: number): void {
    this.#count(count);
    const refusal = this.#refused.get(reason);
    if (refusal) refusal.count += count;
    else this.#refused.set(reason, { reason, count, message });
  }

  #count(records: number): void {
    this.#records += records;
    if (this.#records >= MAX_RECORDS) this.#closed ??= TOO_MANY_RECORDS;
  }
}

/** Encodes lines as they come: one string of all of them could become too long. */
class LineBuffer {
  count = 0;
  #pending = '';
  readonly #chunks: Buffer[] = [];

  append(line: string): void {
    this.count++;
    this.#pending += line;
    if (this.#pending.length >= CHUNK_LENGTH) this.#flush();
  }

  toBuffer(): Buffer {
    this.#flush();
    return Buffer.concat(this.#chunks);
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#pending));
    this.#pending = '';
  }
}
