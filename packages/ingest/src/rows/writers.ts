/** Holds the writers of all tables of raw telemetry. */
import type { Signal } from '../otlp/records.ts';
import { LogWriter } from './log-writer.ts';
import { ExponentialHistogramWriter, HistogramWriter, NumberWriter, SummaryWriter } from './metric-writer.ts';
import { SpanWriter } from './span-writer.ts';
import type { OtelTable } from './tables.ts';
import type { Block, RowBudget, TableWriter } from './table-writer.ts';

export class Writers {
  readonly span = new SpanWriter();
  readonly log = new LogWriter();
  readonly gauge = new NumberWriter('gauge');
  readonly sum = new NumberWriter('sum');
  readonly histogram = new HistogramWriter();
  readonly exponentialHistogram = new ExponentialHistogramWriter();
  readonly summary = new SummaryWriter();
  /** Those of metric points. */
  readonly points = [this.gauge, this.sum, this.histogram, this.exponentialHistogram, this.summary] as const;
  readonly #of: Record<Signal, readonly TableWriter[]> = {
    traces: [this.span],
    logs: [this.log],
    metrics: this.points,
  };

  /** All of them, in the order of the tables. */
  readonly all: readonly TableWriter[] = [...this.#of.traces, ...this.#of.logs, ...this.#of.metrics];

  of(table: OtelTable): TableWriter {
    const writer = this.all.find((candidate) => candidate.table === table);
    if (!writer) throw new Error(`There is no table '${table}'.`);
    return writer;
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
