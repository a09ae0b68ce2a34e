/** Holds the writers of all tables of raw telemetry. */
import type { Arena, Kernel } from '../native/arena.ts';
import { checksum } from '../native/checksum.ts';
import { Region } from '../native/region.ts';
import type { Signal } from '../otlp/records.ts';
import { LogWriter } from './log-writer.ts';
import { ExponentialHistogramWriter, HistogramWriter, NumberWriter, SummaryWriter } from './metric-writer.ts';
import { SpanWriter } from './span-writer.ts';
import type { OtelTable } from './tables.ts';
import type { Block, RowBudget, TableWriter } from './table-writer.ts';

/** A body in the arena. */
export interface ShownBody {
  readonly arena: Arena;
  readonly kernel: Kernel;
  readonly address: number;
}

/** In the arena, the kernel can write into them. */
export class Writers {
  readonly arena: Arena | undefined;
  /** Takes the body that the kernel reads. */
  readonly input: Region | undefined;
  readonly span: SpanWriter;
  readonly log: LogWriter;
  readonly gauge: NumberWriter;
  readonly sum: NumberWriter;
  readonly histogram = new HistogramWriter();
  readonly exponentialHistogram = new ExponentialHistogramWriter();
  readonly summary = new SummaryWriter();
  /** Those of metric points. */
  readonly points: readonly [
    NumberWriter,
    NumberWriter,
    HistogramWriter,
    ExponentialHistogramWriter,
    SummaryWriter,
  ];
  /** All of them, in the order of the tables. */
  readonly all: readonly TableWriter[];
  /** The body that was summed, and lies in `input`. */
  #summed: Uint8Array | undefined;
  readonly #of: Record<Signal, readonly TableWriter[]>;

  constructor(arena?: Arena) {
    this.arena = arena;
    if (arena) this.input = new Region(1, arena);
    this.span = new SpanWriter(arena);
    this.log = new LogWriter(arena);
    this.gauge = new NumberWriter('gauge', arena);
    this.sum = new NumberWriter('sum', arena);
    this.points = [this.gauge, this.sum, this.histogram, this.exponentialHistogram, this.summary];
    this.#of = { traces: [this.span], logs: [this.log], metrics: this.points };
    this.all = [this.span, this.log, ...this.points];
  }

  of(table: OtelTable): TableWriter {
    const writer = this.all.find((candidate) => candidate.table === table);
    if (!writer) throw new Error(`There is no table '${table}'.`);
    return writer;
  }

  /** Copies a body to where the kernel can read it, unless it was just summed there; nothing where there is no kernel. */
  show(body: Uint8Array): ShownBody | undefined {
    const { arena, input } = this;
    if (arena === undefined || input === undefined) return undefined;
    const isThere = this.#summed === body;
    this.#summed = undefined;
    if (!isThere) {
      input.clear();
      input.reserve(body.length);
      input.bytes.set(body);
    }
    return { arena, kernel: arena.kernel, address: input.address };
  }

  /** XXH64. */
  checksum(body: Uint8Array): bigint {
    const shown = this.show(body);
    if (shown === undefined) return checksum(body);
    this.#summed = body;
    return BigInt.asUintN(64, shown.kernel.checksum(shown.address, body.length, 0n));
  }

  begin(signal: Signal, budget: RowBudget): void {
    for (const writer of this.#of[signal]) writer.beginRequest(budget);
  }

  undo(signal: Signal): void {
    for (const writer of this.#of[signal]) writer.undoRequest();
  }

  /** Takes back what is `kept` already, and names the request that the rest came with. */
  name(signal: Signal, { name, kept }: { name: string; kept: readonly string[] }): void {
    for (const writer of this.#of[signal]) {
      if (kept.includes(writer.table)) writer.undoRequest();
      else if (writer.hasRequestRows) writer.nameRequest(name);
    }
  }

  /** All rows so far, one block per table that has any. */
  take(): Block[] {
    return this.all.flatMap((writer) => writer.take());
  }
}
