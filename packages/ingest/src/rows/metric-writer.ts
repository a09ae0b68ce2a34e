/** Writes OTLP metric points as rows of the otel_metrics_* tables. */
import {
  type Column,
  ArrayColumn,
  FixedColumn,
  LowCardinalityColumn,
  MapColumn,
  pushEnd,
  StringColumn,
} from '../native/columns.ts';
import { NullableDoubleColumn } from '../native/columns.ts';
import type { Arena } from '../native/arena.ts';
import type { NamedColumn } from '../native/block.ts';
import { Region } from '../native/region.ts';
import type { Source } from '../native/source.ts';
import { checkName } from '../otlp/check-fields.ts';
import { quote, RecordError } from '../otlp/fault.ts';
import type { Metric } from '../otlp/records.ts';
import { AttributeWriter, FOUND, ROLE } from './attribute-writer.ts';
import { checkOptionalTimeHalves, checkRunTimeHalves, checkTimeHalves } from './checks.ts';
import { appendOptionalId, SPAN_ID_BYTES, TRACE_ID_BYTES } from './id-text.ts';
import {
  encode,
  encodeAttributes,
  type EncodedOrigin,
  OriginColumns,
  push,
  pushAttributes,
  sizeOf,
} from './origin-columns.ts';
import { KernelWalk } from './kernel-walk.ts';
import { RunColumns } from './run-identity.ts';
import { positionsOf, TableWriter } from './table-writer.ts';
import type { OtelTable } from './tables.ts';

const TIME = "DateTime64(9, 'UTC')";
/** Columns of fixed width, about. */
const FIXED_BYTES = 96;
/** Of a point with a time and a value, on the wire; the kernel takes none without. */
const FEWEST_BYTES = 20;
/** Flag of a point by which a sender says that it has no value (`DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`). */
const NO_RECORDED_VALUE = 1;

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram' | 'summary';

/** What all points of a metric have in common, ready to be written. */
export interface EncodedMetric {
  readonly metric: Metric;
  readonly name: ReturnType<typeof encode>;
  readonly description: ReturnType<typeof encode>;
  readonly unit: ReturnType<typeof encode>;
  readonly metadata: ReturnType<typeof encodeAttributes>;
  readonly sizeBytes: number;
}

export function encodeMetric(metric: Metric): EncodedMetric {
  const metadata = encodeAttributes(metric.metadata);
  return {
    metric,
    name: encode(metric.name),
    description: encode(metric.description),
    unit: encode(metric.unit),
    metadata,
    sizeBytes: sizeOf(metadata),
  };
}

/** What the tables of all kinds share. Used like a `SpanWriter`; `fillMetric` ends the points of one metric. */
export abstract class PointWriter extends TableWriter {
  startLow = 0;
  startHigh = 0;
  timeLow = 0;
  timeHigh = 0;
  flags = 0;
  readonly attributes = new AttributeWriter(this.arena);
  readonly exemplars = new ExemplarColumns(this.arena);
  readonly origin = new OriginColumns();
  readonly #name = new LowCardinalityColumn();
  readonly #description = new LowCardinalityColumn();
  readonly #unit = new LowCardinalityColumn();
  readonly #metadata = new MapColumn();
  readonly #temporality = new FixedColumn('Int32', 4);
  readonly #isMonotonic = new FixedColumn('Bool', 1);
  protected readonly start = new FixedColumn(TIME, 8, this.arena);
  protected readonly time = new FixedColumn(TIME, 8, this.arena);
  protected readonly run = new RunColumns(this.arena);
  protected readonly flagsColumn = new FixedColumn('UInt32', 4, this.arena);
  readonly #kind: MetricKind;

  constructor(kind: MetricKind, arena?: Arena) {
    super(`otel_metrics_${kind}` satisfies OtelTable, FIXED_BYTES, arena);
    this.#kind = kind;
  }

  begin(): void {
    this.startLow = 0;
    this.startHigh = 0;
    this.timeLow = 0;
    this.timeHigh = 0;
    this.flags = 0;
    this.attributes.begin();
  }

  /**
   * Makes a row of what was set; a point that says it has no value makes none. Throws a `RecordError` where the point
   * cannot be kept; then it is to be undone.
   */
  write(
    source: Source,
    { metric, sizeBytes }: EncodedMetric,
    origin: EncodedOrigin,
    receivedAtMs: number,
  ): void {
    if ((this.flags & NO_RECORDED_VALUE) !== 0) return this.undoRecord();
    if (metric.name === '')
      throw new RecordError('missing_metric_name', 'A metric has no name; give it one.');
    checkName(metric.name, 'metric name');
    checkTimeHalves(this.timeLow, this.timeHigh, 'time of a point');
    checkOptionalTimeHalves(this.startLow, this.startHigh, 'start time of a point');
    this.check(metric);
    if (this.attributes.found[ROLE.RUN_ID] !== FOUND.ABSENT) {
      checkRunTimeHalves(this.timeLow, this.timeHigh, receivedAtMs, "time of a run's metric");
    }
    this.run.push(source, this.attributes, origin.resource.run);
    this.attributes.end();
    this.endLists();
    const recordBytes = this.measureRecord(this.fixedBytes + sizeBytes + origin.sizeBytes);

    this.start.int64(this.startLow, this.startHigh);
    this.time.int64(this.timeLow, this.timeHigh);
    this.flagsColumn.int32(this.flags);
    this.pushValues();
    this.keepRecord(recordBytes);
  }

  /** Writes the columns of the metric for the latest `rows` rows. */
  fillMetric({ metric, name, description, unit, metadata }: EncodedMetric, rows: number): void {
    if (rows === 0) return;
    const columns: Column[] = [this.#name, this.#description, this.#unit, this.#metadata];
    if (this.hasTemporality) columns.push(this.#temporality);
    if (this.#kind === 'sum') columns.push(this.#isMonotonic);
    const from = columns.map(positionsOf);
    push(this.#name, name);
    push(this.#description, description);
    push(this.#unit, unit);
    pushAttributes(this.#metadata, metadata);
    if (this.hasTemporality) this.#temporality.int32(metric.temporality);
    if (this.#kind === 'sum') this.#isMonotonic.uint8(metric.isMonotonic ? 1 : 0);
    columns.forEach((column, index) => column.repeat(from[index] ?? [], rows));
  }

  override forget(): void {
    this.attributes.clear();
    this.exemplars.attributes.clear();
  }

  /** Refuses a point whose values do not fit one another. */
  protected check(_metric: Metric): void {}
  /** Ends the lists of the point that it did not end itself. */
  protected abstract endLists(): void;
  protected abstract pushValues(): void;

  protected get hasTemporality(): boolean {
    return this.#kind !== 'gauge' && this.#kind !== 'summary';
  }

  /** The table's columns in its order; `lists` are those that a point writes before it is known to be good. */
  protected setPointColumns(
    values: readonly NamedColumn[],
    { lists = [], hasExemplars = true }: { lists?: readonly Column[]; hasExemplars?: boolean } = {},
  ): void {
    const exemplars = hasExemplars ? this.exemplars.named : [];
    this.setColumns(
      [
        ...this.origin.head,
        { name: 'MetricName', column: this.#name },
        { name: 'MetricDescription', column: this.#description },
        { name: 'MetricUnit', column: this.#unit },
        { name: 'MetricMetadata', column: this.#metadata },
        { name: 'StartTimeUnix', column: this.start },
        { name: 'TimeUnix', column: this.time },
        ...this.origin.body,
        ...this.run.named,
        { name: 'Attributes', column: this.attributes.column },
        { name: 'Flags', column: this.flagsColumn },
        ...values,
        ...(this.hasTemporality ? [{ name: 'AggregationTemporality', column: this.#temporality }] : []),
        ...(this.#kind === 'sum' ? [{ name: 'IsMonotonic', column: this.#isMonotonic }] : []),
        ...exemplars,
      ],
      {
        record: [
          ...this.run.named.map(({ column }) => column),
          this.attributes.column,
          ...lists,
          ...exemplars.map(({ column }) => column),
        ],
      },
    );
  }
}

/** Gauges and sums. */
export class NumberWriter extends PointWriter {
  value = 0;
  hasValue = false;
  readonly #value = new FixedColumn('Float64', 8, this.arena);
  override readonly kernelWalk = this.arena && this.#kernelWalk(this.arena);

  constructor(kind: 'gauge' | 'sum', arena?: Arena) {
    super(kind, arena);
    this.setPointColumns([{ name: 'Value', column: this.#value }]);
  }

  override begin(): void {
    super.begin();
    this.value = 0;
    this.hasValue = false;
  }

  #kernelWalk(arena: Arena): KernelWalk {
    return new KernelWalk({
      arena,
      walk: (kernel, table, at, end, limit) => kernel.walkNumberPoints(table, at, end, limit),
      run: this.run,
      regions: [
        this.time.values,
        this.flagsColumn.values,
        this.start.values,
        this.exemplars.ends,
        this.exemplars.times.values,
        this.#value.values,
      ],
      names: [],
      lists: [this.attributes],
      texts: [],
      fewestBytes: FEWEST_BYTES,
    });
  }

  protected override check({ name }: Metric): void {
    if (this.hasValue) return;
    throw new RecordError(
      'missing_value',
      `A point of ${quote(name)} has no value; send asInt, asDouble, or the flag 1 for no recorded value.`,
    );
  }

  protected override endLists(): void {
    this.exemplars.endRow();
  }

  protected override pushValues(): void {
    this.#value.double(this.value);
  }
}

/** What both kinds of histograms have. */
abstract class DistributionWriter extends PointWriter {
  countLow = 0;
  countHigh = 0;
  sum = 0;
  hasSum = false;
  min = 0;
  hasMin = false;
  max = 0;
  hasMax = false;
  protected readonly countColumn = new FixedColumn('UInt64', 8);
  protected readonly sumColumn = new NullableDoubleColumn();
  protected readonly minColumn = new NullableDoubleColumn();
  protected readonly maxColumn = new NullableDoubleColumn();

  override begin(): void {
    super.begin();
    this.countLow = 0;
    this.countHigh = 0;
    this.sum = 0;
    this.hasSum = false;
    this.min = 0;
    this.hasMin = false;
    this.max = 0;
    this.hasMax = false;
  }

  protected override pushValues(): void {
    this.countColumn.int64(this.countLow, this.countHigh);
    this.sumColumn.push(this.sum, !this.hasSum);
    this.minColumn.push(this.min, !this.hasMin);
    this.maxColumn.push(this.max, !this.hasMax);
  }
}

export class HistogramWriter extends DistributionWriter {
  readonly bucketCounts = new ListColumn('UInt64');
  readonly explicitBounds = new ListColumn('Float64');

  constructor() {
    super('histogram');
    this.setPointColumns(
      [
        { name: 'Count', column: this.countColumn },
        { name: 'Sum', column: this.sumColumn },
        { name: 'BucketCounts', column: this.bucketCounts.column },
        { name: 'ExplicitBounds', column: this.explicitBounds.column },
        { name: 'Min', column: this.minColumn },
        { name: 'Max', column: this.maxColumn },
      ],
      { lists: [this.bucketCounts.column, this.explicitBounds.column] },
    );
  }

  protected override check({ name }: Metric): void {
    const buckets = this.bucketCounts.length;
    const bounds = this.explicitBounds.length;
    if (bounds === Math.max(buckets - 1, 0)) return;
    throw new RecordError(
      'invalid_buckets',
      `A point of ${quote(name)} has ${buckets} buckets and ${bounds} bounds; ` +
        'send one bucket more than bounds.',
    );
  }

  protected override endLists(): void {
    this.bucketCounts.endRow();
    this.explicitBounds.endRow();
    this.exemplars.endRow();
  }
}

export class ExponentialHistogramWriter extends DistributionWriter {
  scale = 0;
  zeroCountLow = 0;
  zeroCountHigh = 0;
  zeroThreshold = 0;
  positiveOffset = 0;
  negativeOffset = 0;
  readonly positive = new ListColumn('UInt64');
  readonly negative = new ListColumn('UInt64');
  readonly #scale = new FixedColumn('Int32', 4);
  readonly #zeroCount = new FixedColumn('UInt64', 8);
  readonly #zeroThreshold = new FixedColumn('Float64', 8);
  readonly #positiveOffset = new FixedColumn('Int32', 4);
  readonly #negativeOffset = new FixedColumn('Int32', 4);

  constructor() {
    super('exponential_histogram');
    this.setPointColumns(
      [
        { name: 'Count', column: this.countColumn },
        { name: 'Sum', column: this.sumColumn },
        { name: 'Scale', column: this.#scale },
        { name: 'ZeroCount', column: this.#zeroCount },
        { name: 'ZeroThreshold', column: this.#zeroThreshold },
        { name: 'PositiveOffset', column: this.#positiveOffset },
        { name: 'PositiveBucketCounts', column: this.positive.column },
        { name: 'NegativeOffset', column: this.#negativeOffset },
        { name: 'NegativeBucketCounts', column: this.negative.column },
        { name: 'Min', column: this.minColumn },
        { name: 'Max', column: this.maxColumn },
      ],
      { lists: [this.positive.column, this.negative.column] },
    );
  }

  override begin(): void {
    super.begin();
    this.scale = 0;
    this.zeroCountLow = 0;
    this.zeroCountHigh = 0;
    this.zeroThreshold = 0;
    this.positiveOffset = 0;
    this.negativeOffset = 0;
  }

  protected override endLists(): void {
    this.positive.endRow();
    this.negative.endRow();
    this.exemplars.endRow();
  }

  protected override pushValues(): void {
    super.pushValues();
    this.#scale.int32(this.scale);
    this.#zeroCount.int64(this.zeroCountLow, this.zeroCountHigh);
    this.#zeroThreshold.double(this.zeroThreshold);
    this.#positiveOffset.int32(this.positiveOffset);
    this.#negativeOffset.int32(this.negativeOffset);
  }
}

export class SummaryWriter extends PointWriter {
  countLow = 0;
  countHigh = 0;
  sum = 0;
  readonly quantiles = new ListColumn('Float64');
  readonly quantileValues = new ListColumn('Float64');
  readonly #count = new FixedColumn('UInt64', 8);
  readonly #sum = new FixedColumn('Float64', 8);

  constructor() {
    super('summary');
    this.setPointColumns(
      [
        { name: 'Count', column: this.#count },
        { name: 'Sum', column: this.#sum },
        { name: 'ValueAtQuantiles.Quantile', column: this.quantiles.column },
        { name: 'ValueAtQuantiles.Value', column: this.quantileValues.column },
      ],
      { lists: [this.quantiles.column, this.quantileValues.column], hasExemplars: false },
    );
  }

  override begin(): void {
    super.begin();
    this.countLow = 0;
    this.countHigh = 0;
    this.sum = 0;
  }

  protected override endLists(): void {
    this.quantiles.endRow();
    this.quantileValues.endRow();
  }

  protected override pushValues(): void {
    this.#count.int64(this.countLow, this.countHigh);
    this.#sum.double(this.sum);
  }
}

/** A list of 64-bit numbers per row. */
export class ListColumn {
  readonly items: FixedColumn;
  readonly column: ArrayColumn;
  readonly #ends = new Region(8);

  constructor(type: 'UInt64' | 'Float64') {
    this.items = new FixedColumn(type, 8);
    this.column = new ArrayColumn(this.#ends, this.items);
  }

  /** Items of the row that is being written. */
  get length(): number {
    const { at, view } = this.#ends;
    return this.items.values.at - (at === 0 ? 0 : view.getUint32((at - 1) * 8, true));
  }

  endRow(): void {
    pushEnd(this.#ends, this.items.values.at);
  }
}

/** The exemplars of each point. */
export class ExemplarColumns {
  readonly attributes = new AttributeWriter();
  readonly ends: Region;
  readonly times: FixedColumn;
  readonly #values = new FixedColumn('Float64', 8);
  readonly #spanIds = new StringColumn();
  readonly #traceIds = new StringColumn();
  readonly named: readonly NamedColumn[];

  constructor(arena?: Arena) {
    this.ends = new Region(8, arena);
    this.times = new FixedColumn(TIME, 8, arena);
    this.named = [
      { name: 'Exemplars.FilteredAttributes', column: new ArrayColumn(this.ends, this.attributes.column) },
      { name: 'Exemplars.TimeUnix', column: new ArrayColumn(this.ends, this.times) },
      { name: 'Exemplars.Value', column: new ArrayColumn(this.ends, this.#values) },
      { name: 'Exemplars.SpanId', column: new ArrayColumn(this.ends, this.#spanIds) },
      { name: 'Exemplars.TraceId', column: new ArrayColumn(this.ends, this.#traceIds) },
    ];
  }

  /** Ends an exemplar whose attributes have been written. */
  addIds(
    source: Source,
    traceIdAt: number,
    traceIdLength: number,
    spanIdAt: number,
    spanIdLength: number,
  ): void {
    appendOptionalId(
      this.#traceIds.texts,
      source,
      traceIdAt,
      traceIdLength,
      TRACE_ID_BYTES,
      'invalid_exemplar',
    );
    appendOptionalId(this.#spanIds.texts, source, spanIdAt, spanIdLength, SPAN_ID_BYTES, 'invalid_exemplar');
  }

  addValue(low: number, high: number, value: number, hasValue: boolean): void {
    checkOptionalTimeHalves(low, high, 'time of an exemplar');
    if (!hasValue) {
      throw new RecordError('invalid_exemplar', 'An exemplar has no value; send asInt or asDouble.');
    }
    this.times.int64(low, high);
    this.#values.double(value);
  }

  endRow(): void {
    pushEnd(this.ends, this.times.values.at);
  }
}
