/** Holds the columns of one table while rows are written, and takes back what turns out to be bad. */
import { type Fault, RECORD_TOO_LARGE, RecordError } from '../otlp/fault.ts';
import { MAX_ROW_BYTES, MAX_ROWS_BYTES } from '../otlp/limits.ts';
import { writeBlock, type NamedColumn } from '../native/block.ts';
import { pushRow, type RowObject } from '../native/encode-rows.ts';
import type { Arena } from '../native/arena.ts';
import type { Column } from '../native/columns.ts';
import type { Region } from '../native/region.ts';
import type { KernelWalk, Walked } from './kernel-walk.ts';
import type { EncodedOrigin } from './origin-columns.ts';
import type { OtelTable } from './tables.ts';

/** Rows of one table as a block of ClickHouse's Native format. */
export interface Block {
  table: OtelTable;
  rows: number;
  bytes: Buffer;
  /** The requests whose rows these are, as far as they have names. */
  requests: readonly string[];
  /** Whether any of the rows belongs to a run. */
  hasRuns: boolean;
}

/** What the rows of one request may still take, whatever their table. */
export interface RowBudget {
  leftBytes: number;
}

const BATCH_TOO_LARGE: Fault = {
  reason: 'batch_too_large',
  message: `The rows of this request exceed ${MAX_ROWS_BYTES} bytes; send smaller batches.`,
};

const KEPT_OUTPUT_BYTES = 32 * 1024 * 1024;
const NO_OUTPUT = Buffer.alloc(0);

/**
 * The columns of one table, in the table's order. There are three scopes to write in, each a subclass's business:
 * the record (taken back alone), what many records share (written once, then repeated), and the request.
 */
export abstract class TableWriter {
  readonly table: OtelTable;
  rows = 0;
  /** Rows that the kernel has walked, ever. */
  kernelRows = 0;
  /** Memory of the block that was taken last. */
  #output: Buffer = NO_OUTPUT;
  #budget: RowBudget = { leftBytes: 0 };
  #columns: readonly NamedColumn[] = [];
  #requestRegions: readonly Region[] = [];
  #requestMarks: readonly number[] = [];
  #requestRows = 0;
  #requests: string[] = [];
  #recordRegions: readonly Region[] = [];
  #recordMarks = new Int32Array(0);
  /** The first of the record's regions: those that each record moves. The others are moved by nested items only. */
  #movedByAll = 0;
  /** Whether the record has nested items. */
  protected hasNested = false;

  /** Where those columns stand that the kernel writes. */
  protected readonly arena: Arena | undefined;

  /** Given where the kernel can walk the records of this table. */
  readonly kernelWalk: KernelWalk | undefined;
  /** Bytes of the columns of fixed width in a row. */
  protected readonly fixedBytes: number;

  constructor(table: OtelTable, fixedBytes: number, arena?: Arena) {
    this.table = table;
    this.fixedBytes = fixedBytes;
    this.arena = arena;
  }

  get columns(): readonly NamedColumn[] {
    return this.#columns;
  }

  /** Empties whatever a subclass remembers about its columns. */
  abstract forget(): void;

  /** Starts a request: everything from here on can be taken back. */
  beginRequest(budget: RowBudget): void {
    this.#requestMarks = this.#requestRegions.map(({ at }) => at);
    this.#requestRows = this.rows;
    this.#budget = budget;
    this.hasNested = false;
    this.#markRecord(this.#recordRegions.length);
  }

  undoRequest(): void {
    this.#requestRegions.forEach((region, index) => {
      region.at = this.#requestMarks[index] ?? 0;
    });
    this.rows = this.#requestRows;
  }

  /** Whether the request has made rows here. */
  get hasRequestRows(): boolean {
    return this.rows > this.#requestRows;
  }

  /** Names the request that has made rows here. */
  nameRequest(name: string): void {
    this.#requests.push(name);
  }

  /** Adds a row that is a plain object. */
  addRow(row: RowObject): void {
    pushRow(this.#columns, row);
    this.rows++;
  }

  /** Takes back what the record has written so far. */
  undoRecord(): void {
    const regions = this.#recordRegions;
    for (let index = 0; index < regions.length; index++) {
      (regions[index] as Region).at = this.#recordMarks[index] as number;
    }
    this.hasNested = false;
  }

  /** All rows so far as one block, or none; the writer is empty then. The bytes are good until the next call. */
  take(): Block[] {
    if (this.rows === 0) return [];
    const { table, rows } = this;
    const requests = this.#requests;
    const hasRuns = this.#hasRuns();
    const bytes = writeBlock(this.#columns, rows, this.#output, requests);
    this.#requests = [];
    this.#output = bytes.length <= KEPT_OUTPUT_BYTES ? wholeOf(bytes) : NO_OUTPUT;
    this.rows = 0;
    for (const { column } of this.#columns) column.clear();
    this.forget();
    return [{ table, rows, bytes, requests, hasRuns }];
  }

  /** An empty text is one byte. */
  #hasRuns(): boolean {
    const runIds = this.#columns.find(({ name }) => name === 'RunId');
    return runIds !== undefined && runIds.column.sizeBytes() > this.rows;
  }

  /**
   * `record` columns are those that a record writes before it is known to be good; `nested` those that it writes only
   * where it has nested items, and then it says so by `hasNested`; `ends` are where these end.
   */
  protected setColumns(
    columns: readonly NamedColumn[],
    {
      record,
      ends = [],
      nested = [],
    }: { record: readonly Column[]; ends?: readonly Region[]; nested?: readonly Column[] },
  ): void {
    this.#columns = columns;
    this.#requestRegions = [...new Set(columns.flatMap(({ column }) => column.regions))];
    const always = new Set([...record.flatMap((column) => column.regions), ...ends]);
    const sometimes = nested.flatMap((column) => column.regions).filter((region) => !always.has(region));
    this.#recordRegions = [...always, ...new Set(sometimes)];
    this.#movedByAll = always.size;
    this.#recordMarks = new Int32Array(this.#recordRegions.length);
  }

  /**
   * The size of the row: what the record wrote, and `sharedBytes` that it has in common with others.
   * Throws a `RecordError` where that is too much.
   */
  protected measureRecord(sharedBytes: number): number {
    const regions = this.#recordRegions;
    const marks = this.#recordMarks;
    const moved = this.hasNested ? regions.length : this.#movedByAll;
    let sizeBytes = sharedBytes;
    for (let index = 0; index < moved; index++) {
      const region = regions[index] as Region;
      sizeBytes += (region.at - (marks[index] as number)) * region.width;
    }
    if (sizeBytes > MAX_ROW_BYTES) throw new RecordError(RECORD_TOO_LARGE.reason, RECORD_TOO_LARGE.message);
    if (sizeBytes > this.#budget.leftBytes)
      throw new RecordError(BATCH_TOO_LARGE.reason, BATCH_TOO_LARGE.message);
    return sizeBytes;
  }

  /** Keeps the record for good, unless the request is taken back. */
  protected keepRecord(sizeBytes: number): void {
    this.rows++;
    this.#budget.leftBytes -= sizeBytes;
    this.#markRecord(this.hasNested ? this.#recordRegions.length : this.#movedByAll);
    this.hasNested = false;
  }

  /** Lets the kernel walk records from `at` on, an address in the arena. They are kept like those that are written. */
  walkByKernel(
    at: number,
    end: number,
    origin: EncodedOrigin,
    {
      receivedAtMs,
      mostRows,
      sharedBytes = 0,
    }: { receivedAtMs: number; mostRows: number; sharedBytes?: number },
  ): Walked | undefined {
    const walked = this.kernelWalk?.walk(at, end, origin, {
      receivedAtMs,
      mostRows,
      leftBytes: this.#budget.leftBytes,
      sharedBytes: this.fixedBytes + origin.sizeBytes + sharedBytes,
    });
    if (walked === undefined || walked.rows === 0) return walked;
    this.rows += walked.rows;
    this.kernelRows += walked.rows;
    this.#budget.leftBytes = walked.leftBytes;
    this.#markRecord(this.#recordRegions.length);
    return walked;
  }

  #markRecord(count: number): void {
    const regions = this.#recordRegions;
    const marks = this.#recordMarks;
    for (let index = 0; index < count; index++) marks[index] = (regions[index] as Region).at;
  }
}

function wholeOf(bytes: Buffer): Buffer {
  return Buffer.from(bytes.buffer);
}

/** Positions of a column, to repeat from. */
export function positionsOf(column: Column): number[] {
  return column.regions.map(({ at }) => at);
}
