/** Writes OTLP log records as rows of otel_logs. */
import { FixedColumn, LowCardinalityColumn, StringColumn } from '../native/columns.ts';
import type { Arena } from '../native/arena.ts';
import type { Source } from '../native/source.ts';
import { RecordError } from '../otlp/fault.ts';
import { AttributeWriter } from './attribute-writer.ts';
import { checkNameSlice, checkOptionalTimeHalves, checkRunTimeHalves } from './checks.ts';
import { appendOptionalId, SPAN_ID_BYTES, TRACE_ID_BYTES } from './id-text.ts';
import { KernelWalk } from './kernel-walk.ts';
import { type EncodedOrigin, OriginColumns } from './origin-columns.ts';
import { RunColumns } from './run-identity.ts';
import { TableWriter } from './table-writer.ts';

const HIGHEST_SEVERITY = 24;
const TIME = "DateTime64(9, 'UTC')";
const ROLLCALL_EVENT = 'rollcall.';
/** Columns of fixed width. */
const FIXED_BYTES = 64;
/** Of a record, on the wire; the kernel takes none that is shorter. */
const FEWEST_BYTES = 16;

/** Used like a `SpanWriter`; the body goes straight into its column, through `body`. */
export class LogWriter extends TableWriter {
  timeLow = 0;
  timeHigh = 0;
  observedLow = 0;
  observedHigh = 0;
  severityNumber = 0;
  severityTextAt = 0;
  severityTextLength = 0;
  eventNameAt = 0;
  eventNameLength = 0;
  traceIdAt = 0;
  traceIdLength = 0;
  spanIdAt = 0;
  spanIdLength = 0;
  flags = 0;
  droppedAttributesCount = 0;
  readonly attributes = new AttributeWriter(this.arena);
  readonly body = new StringColumn(this.arena);
  readonly origin = new OriginColumns();
  readonly #run = new RunColumns(this.arena);
  readonly #timestamp = new FixedColumn(TIME, 8, this.arena);
  readonly #observed = new FixedColumn(TIME, 8, this.arena);
  readonly #traceId = new StringColumn(this.arena);
  readonly #spanId = new StringColumn(this.arena);
  readonly #flags = new FixedColumn('UInt32', 4, this.arena);
  readonly #severityText = new LowCardinalityColumn(this.arena);
  readonly #severityNumber = new FixedColumn('UInt8', 1, this.arena);
  readonly #eventName = new LowCardinalityColumn(this.arena);
  readonly #droppedAttributes = new FixedColumn('UInt32', 4, this.arena);
  override readonly kernelWalk = this.arena && this.#kernelWalk(this.arena);
  #bodyStart = 0;

  constructor(arena?: Arena) {
    super('otel_logs', FIXED_BYTES, arena);
    this.setColumns(
      [
        ...this.origin.head,
        { name: 'Timestamp', column: this.#timestamp },
        { name: 'ObservedTimestamp', column: this.#observed },
        { name: 'TraceId', column: this.#traceId },
        { name: 'SpanId', column: this.#spanId },
        { name: 'TraceFlags', column: this.#flags },
        { name: 'SeverityText', column: this.#severityText },
        { name: 'SeverityNumber', column: this.#severityNumber },
        { name: 'EventName', column: this.#eventName },
        { name: 'Body', column: this.body },
        ...this.origin.body,
        ...this.#run.named,
        { name: 'LogAttributes', column: this.attributes.column },
        { name: 'DroppedAttributesCount', column: this.#droppedAttributes },
      ],
      {
        record: [
          this.#traceId,
          this.#spanId,
          this.#severityText,
          this.#eventName,
          this.body,
          ...this.#run.named.map(({ column }) => column),
          this.attributes.column,
        ],
      },
    );
  }

  begin(): void {
    this.timeLow = 0;
    this.timeHigh = 0;
    this.observedLow = 0;
    this.observedHigh = 0;
    this.severityNumber = 0;
    this.severityTextLength = 0;
    this.eventNameLength = 0;
    this.traceIdLength = 0;
    this.spanIdLength = 0;
    this.flags = 0;
    this.droppedAttributesCount = 0;
    this.#bodyStart = this.body.texts.at;
    this.attributes.begin();
  }

  /** Forgets the body that was written, if any: the last one counts. */
  beginBody(): void {
    this.body.texts.at = this.#bodyStart;
  }

  /** Throws a `RecordError` where the record cannot be kept; then it is to be undone. */
  write(source: Source, origin: EncodedOrigin, receivedAtMs: number): void {
    this.#check(source);
    this.#fillTimes(receivedAtMs);
    if (this.#isRollcallEvent(source)) {
      const name = source.text(this.eventNameAt, this.eventNameLength);
      checkRunTimeHalves(this.timeLow, this.timeHigh, receivedAtMs, `time of ${name}`);
    }
    const { traceIdAt, traceIdLength, spanIdAt, spanIdLength } = this;
    appendOptionalId(
      this.#traceId.texts,
      source,
      traceIdAt,
      traceIdLength,
      TRACE_ID_BYTES,
      'invalid_trace_id',
    );
    appendOptionalId(this.#spanId.texts, source, spanIdAt, spanIdLength, SPAN_ID_BYTES, 'invalid_span_id');
    this.#severityText.push(this.#severityText.find(source, this.severityTextAt, this.severityTextLength));
    this.#eventName.push(this.#eventName.find(source, this.eventNameAt, this.eventNameLength));
    if (this.body.texts.at === this.#bodyStart) this.body.empty();
    this.#run.push(source, this.attributes, origin.resource.run);
    this.attributes.end();
    const sizeBytes = this.measureRecord(this.fixedBytes + origin.sizeBytes);

    this.#timestamp.int64(this.timeLow, this.timeHigh);
    this.#observed.int64(this.observedLow, this.observedHigh);
    this.#flags.int32(this.flags);
    this.#severityNumber.uint8(this.severityNumber);
    this.#droppedAttributes.int32(this.droppedAttributesCount);
    this.keepRecord(sizeBytes);
  }

  override forget(): void {
    this.attributes.clear();
  }

  #kernelWalk(arena: Arena): KernelWalk {
    const texts = [this.#traceId.texts, this.#spanId.texts, this.body.texts];
    return new KernelWalk({
      arena,
      walk: (kernel, table, at, end, limit) => kernel.walkLogs(table, at, end, limit),
      run: this.#run,
      regions: [
        this.#timestamp.values,
        this.#flags.values,
        this.#traceId.texts,
        this.#spanId.texts,
        this.#observed.values,
        ...this.#severityText.regions,
        this.#severityNumber.values,
        ...this.#eventName.regions,
        this.body.texts,
        this.#droppedAttributes.values,
      ],
      names: [this.#eventName, this.#severityText],
      lists: [this.attributes],
      texts,
      fewestBytes: FEWEST_BYTES,
    });
  }

  #check(source: Source): void {
    checkNameSlice(source, this.eventNameAt, this.eventNameLength, 'event name');
    checkOptionalTimeHalves(this.timeLow, this.timeHigh, 'time of a log record');
    checkOptionalTimeHalves(this.observedLow, this.observedHigh, 'observed time of a log record');
    if (this.severityNumber >= 0 && this.severityNumber <= HIGHEST_SEVERITY) return;
    throw new RecordError(
      'invalid_severity',
      `The severity number ${this.severityNumber} is not one; send 1 to ${HIGHEST_SEVERITY}, or 0 where unknown.`,
    );
  }

  /** A record without a time has its observed time, and without that the time of its arrival. */
  #fillTimes(receivedAtMs: number): void {
    if ((this.observedLow | this.observedHigh) === 0) {
      const receivedNs = BigInt(Math.floor(receivedAtMs)) * 1_000_000n;
      this.observedLow = Number(BigInt.asIntN(32, receivedNs));
      this.observedHigh = Number(receivedNs >> 32n);
    }
    if ((this.timeLow | this.timeHigh) === 0) {
      this.timeLow = this.observedLow;
      this.timeHigh = this.observedHigh;
    }
  }

  #isRollcallEvent({ bytes }: Source): boolean {
    if (this.eventNameLength < ROLLCALL_EVENT.length) return false;
    // The first letter rules out most.
    if (bytes[this.eventNameAt] !== 0x72) return false;
    return (
      bytes.toString('latin1', this.eventNameAt, this.eventNameAt + ROLLCALL_EVENT.length) === ROLLCALL_EVENT
    );
  }
}
