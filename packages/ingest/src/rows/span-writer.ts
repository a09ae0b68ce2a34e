/** Writes OTLP spans as rows of otel_traces. */
import type { Arena } from '../native/arena.ts';
import { MORE_WORDS, WORDS } from '../native/kernel-layout.ts';
import type { Source } from '../native/source.ts';
import { ArrayColumn, FixedColumn, LowCardinalityColumn, pushEnd, StringColumn } from '../native/columns.ts';
import { Region } from '../native/region.ts';
import { AttributeWriter, FOUND, ROLE } from './attribute-writer.ts';
import { checkNameSlice, checkOptionalTimeHalves, checkRunTimeHalves, checkTimeHalves } from './checks.ts';
import { appendId, appendOptionalId, SPAN_ID_BYTES, TRACE_ID_BYTES } from './id-text.ts';
import { KernelWalk } from './kernel-walk.ts';
import { type EncodedOrigin, OriginColumns } from './origin-columns.ts';
import { RunColumns } from './run-identity.ts';
import { TableWriter } from './table-writer.ts';
import { WordColumn } from './word-column.ts';

const SPAN_KINDS = ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'];
const STATUS_CODES = ['Unset', 'Ok', 'Error'];
const TIME = "DateTime64(9, 'UTC')";
/** Columns of fixed width: times, counts, flags, ends of lists. */
const FIXED_BYTES = 160;
/** Of an event with a time, on the wire; the kernel takes none that is shorter. */
const FEWEST_BYTES = 11;

/**
 * A decoder sets the fields of a span as it finds them: numbers, 64-bit ones in two halves, and texts as places in the
 * source. Attributes, events and links go straight into their columns. `write` checks it all and makes it a row.
 */
export class SpanWriter extends TableWriter {
  traceIdAt = 0;
  traceIdLength = 0;
  spanIdAt = 0;
  spanIdLength = 0;
  parentSpanIdAt = 0;
  parentSpanIdLength = 0;
  traceStateAt = 0;
  traceStateLength = 0;
  nameAt = 0;
  nameLength = 0;
  statusMessageAt = 0;
  statusMessageLength = 0;
  kind = 0;
  flags = 0;
  statusCode = 0;
  startLow = 0;
  startHigh = 0;
  endLow = 0;
  endHigh = 0;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;
  readonly attributes = new AttributeWriter(this.arena);
  readonly eventAttributes = new AttributeWriter(this.arena);
  readonly linkAttributes = new AttributeWriter();
  readonly origin = new OriginColumns();
  readonly #run = new RunColumns(this.arena);
  readonly #timestamp = new FixedColumn(TIME, 8, this.arena);
  readonly #traceId = new StringColumn(this.arena);
  readonly #spanId = new StringColumn(this.arena);
  readonly #parentSpanId = new StringColumn(this.arena);
  readonly #traceState = new StringColumn(this.arena);
  readonly #spanName = new LowCardinalityColumn(this.arena);
  readonly #spanKind = new WordColumn(SPAN_KINDS, this.arena);
  readonly #droppedAttributes = new FixedColumn('UInt32', 4, this.arena);
  readonly #flags = new FixedColumn('UInt32', 4, this.arena);
  readonly #duration = new FixedColumn('UInt64', 8, this.arena);
  readonly #statusCode = new WordColumn(STATUS_CODES, this.arena);
  readonly #statusMessage = new StringColumn(this.arena);
  readonly #eventEnds = new Region(8, this.arena);
  readonly #eventTimes = new FixedColumn(TIME, 8, this.arena);
  readonly #eventNames = new LowCardinalityColumn(this.arena);
  readonly #eventDropped = new FixedColumn('UInt32', 4, this.arena);
  readonly #eventsDropped = new FixedColumn('UInt32', 4, this.arena);
  readonly #linkEnds = new Region(8, this.arena);
  readonly #linkTraceIds = new StringColumn();
  readonly #linkSpanIds = new StringColumn();
  readonly #linkTraceStates = new StringColumn();
  readonly #linkDropped = new FixedColumn('UInt32', 4);
  readonly #linkFlags = new FixedColumn('UInt32', 4, this.arena);
  readonly #linksDropped = new FixedColumn('UInt32', 4, this.arena);

  override readonly kernelWalk = this.arena && this.#kernelWalk(this.arena);

  constructor(arena?: Arena) {
    super('otel_traces', FIXED_BYTES, arena);
    const events = (items: ConstructorParameters<typeof ArrayColumn>[1]) =>
      new ArrayColumn(this.#eventEnds, items);
    const links = (items: ConstructorParameters<typeof ArrayColumn>[1]) =>
      new ArrayColumn(this.#linkEnds, items);
    const nested = {
      eventTimes: events(this.#eventTimes),
      eventNames: events(this.#eventNames),
      eventAttributes: events(this.eventAttributes.column),
      eventDropped: events(this.#eventDropped),
      linkTraceIds: links(this.#linkTraceIds),
      linkSpanIds: links(this.#linkSpanIds),
      linkTraceStates: links(this.#linkTraceStates),
      linkAttributes: links(this.linkAttributes.column),
      linkDropped: links(this.#linkDropped),
      linkFlags: links(this.#linkFlags),
    };
    this.setColumns(
      [
        ...this.origin.head,
        { name: 'Timestamp', column: this.#timestamp },
        { name: 'TraceId', column: this.#traceId },
        { name: 'SpanId', column: this.#spanId },
        { name: 'ParentSpanId', column: this.#parentSpanId },
        { name: 'TraceState', column: this.#traceState },
        { name: 'SpanName', column: this.#spanName },
        { name: 'SpanKind', column: this.#spanKind },
        ...this.origin.body,
        ...this.#run.named,
        { name: 'SpanAttributes', column: this.attributes.column },
        { name: 'SpanDroppedAttributesCount', column: this.#droppedAttributes },
        { name: 'SpanFlags', column: this.#flags },
        { name: 'Duration', column: this.#duration },
        { name: 'StatusCode', column: this.#statusCode },
        { name: 'StatusMessage', column: this.#statusMessage },
        { name: 'Events.Timestamp', column: nested.eventTimes },
        { name: 'Events.Name', column: nested.eventNames },
        { name: 'Events.Attributes', column: nested.eventAttributes },
        { name: 'Events.DroppedAttributesCount', column: nested.eventDropped },
        { name: 'EventsDroppedCount', column: this.#eventsDropped },
        { name: 'Links.TraceId', column: nested.linkTraceIds },
        { name: 'Links.SpanId', column: nested.linkSpanIds },
        { name: 'Links.TraceState', column: nested.linkTraceStates },
        { name: 'Links.Attributes', column: nested.linkAttributes },
        { name: 'Links.DroppedAttributesCount', column: nested.linkDropped },
        { name: 'Links.Flags', column: nested.linkFlags },
        { name: 'LinksDroppedCount', column: this.#linksDropped },
      ],
      {
        record: [
          this.#traceId,
          this.#spanId,
          this.#parentSpanId,
          this.#traceState,
          this.#spanName,
          ...this.#run.named.map(({ column }) => column),
          this.attributes.column,
          this.#statusMessage,
        ],
        ends: [this.#eventEnds, this.#linkEnds],
        nested: Object.values(nested),
      },
    );
  }

  /** Forgets the span before. */
  begin(): void {
    this.traceIdLength = 0;
    this.spanIdLength = 0;
    this.parentSpanIdLength = 0;
    this.traceStateLength = 0;
    this.nameLength = 0;
    this.statusMessageLength = 0;
    this.kind = 0;
    this.flags = 0;
    this.statusCode = 0;
    this.startLow = 0;
    this.startHigh = 0;
    this.endLow = 0;
    this.endHigh = 0;
    this.droppedAttributesCount = 0;
    this.droppedEventsCount = 0;
    this.droppedLinksCount = 0;
    this.attributes.begin();
  }

  /** An event whose attributes have been written. */
  addEvent(
    source: Source,
    low: number,
    high: number,
    nameAt: number,
    nameLength: number,
    dropped: number,
  ): void {
    checkNameSlice(source, nameAt, nameLength, 'event name');
    checkOptionalTimeHalves(low, high, 'time of a span event');
    this.hasNested = true;
    this.#eventTimes.int64(low, high);
    this.#eventNames.push(this.#eventNames.find(source, nameAt, nameLength));
    this.#eventDropped.int32(dropped);
  }

  /** The IDs and the trace state of a link; it may lack its IDs, the SDK specification keeps one for its attributes. */
  addLinkTexts(
    source: Source,
    traceIdAt: number,
    traceIdLength: number,
    spanIdAt: number,
    spanIdLength: number,
    stateAt: number,
    stateLength: number,
  ): void {
    appendOptionalId(
      this.#linkTraceIds.texts,
      source,
      traceIdAt,
      traceIdLength,
      TRACE_ID_BYTES,
      'invalid_link',
    );
    appendOptionalId(this.#linkSpanIds.texts, source, spanIdAt, spanIdLength, SPAN_ID_BYTES, 'invalid_link');
    this.#linkTraceStates.push(source, stateAt, stateLength);
  }

  /** Ends a link whose texts and attributes have been written. */
  addLink(dropped: number, flags: number): void {
    this.hasNested = true;
    this.#linkDropped.int32(dropped);
    this.#linkFlags.int32(flags);
  }

  /** Makes a row of what was set. Throws a `RecordError` where the span cannot be kept; then it is to be undone. */
  write(source: Source, origin: EncodedOrigin, receivedAtMs: number): void {
    const { startLow, startHigh, endLow, endHigh } = this;
    appendId(this.#traceId.texts, source, this.traceIdAt, this.traceIdLength, TRACE_ID_BYTES);
    appendId(this.#spanId.texts, source, this.spanIdAt, this.spanIdLength, SPAN_ID_BYTES);
    checkNameSlice(source, this.nameAt, this.nameLength, 'span name');
    checkTimeHalves(startLow, startHigh, 'start time of a span');
    checkTimeHalves(endLow, endHigh, 'end time of a span');
    if (this.attributes.found[ROLE.SPAN_KIND] !== FOUND.ABSENT) {
      checkRunTimeHalves(endLow, endHigh, receivedAtMs, 'end time of a run');
    }
    appendOptionalId(
      this.#parentSpanId.texts,
      source,
      this.parentSpanIdAt,
      this.parentSpanIdLength,
      SPAN_ID_BYTES,
      'invalid_parent_span_id',
    );
    this.#run.push(source, this.attributes, origin.resource.run);
    this.#traceState.push(source, this.traceStateAt, this.traceStateLength);
    this.#statusMessage.push(source, this.statusMessageAt, this.statusMessageLength);
    this.#spanName.push(this.#spanName.find(source, this.nameAt, this.nameLength));
    this.attributes.end();
    pushEnd(this.#eventEnds, this.#eventTimes.values.at);
    pushEnd(this.#linkEnds, this.#linkFlags.values.at);
    const sizeBytes = this.measureRecord(this.fixedBytes + origin.sizeBytes);

    this.#timestamp.int64(startLow, startHigh);
    this.#spanKind.word(this.kind);
    this.#droppedAttributes.int32(this.droppedAttributesCount);
    this.#flags.int32(this.flags);
    this.#pushDuration(startLow, startHigh, endLow, endHigh);
    this.#statusCode.word(this.statusCode);
    this.#eventsDropped.int32(this.droppedEventsCount);
    this.#linksDropped.int32(this.droppedLinksCount);
    this.keepRecord(sizeBytes);
  }

  override forget(): void {
    this.attributes.clear();
    this.eventAttributes.clear();
    this.linkAttributes.clear();
  }

  #kernelWalk(arena: Arena): KernelWalk {
    const texts = [
      this.#traceId,
      this.#spanId,
      this.#parentSpanId,
      this.#traceState,
      this.#statusMessage,
    ].map((column) => column.texts);
    return new KernelWalk({
      arena,
      walk: (kernel, table, at, end, limit) => kernel.walkSpans(table, at, end, limit),
      run: this.#run,
      regions: [
        this.#timestamp.values,
        this.#flags.values,
        ...texts,
        ...[this.#spanName, this.#spanKind, this.#statusCode].flatMap(({ regions }) => regions),
        ...[this.#duration, this.#droppedAttributes, this.#eventsDropped, this.#linksDropped].map(
          ({ values }) => values,
        ),
        this.#eventEnds,
        this.#linkEnds,
        this.#eventTimes.values,
        ...this.#eventNames.regions,
        this.#eventDropped.values,
        this.#linkFlags.values,
      ],
      names: [this.#spanName, this.#eventNames],
      lists: [this.attributes, this.eventAttributes],
      texts,
      fewestBytes: FEWEST_BYTES,
      beforeEach: (table) => {
        table.setWords(WORDS, this.#spanKind.indexes);
        table.setWords(MORE_WORDS, this.#statusCode.indexes);
      },
    });
  }

  /** End minus start, 0 where the end is before the start. Neither is negative. */
  #pushDuration(startLow: number, startHigh: number, endLow: number, endHigh: number): void {
    const isBefore = endHigh < startHigh || (endHigh === startHigh && endLow >>> 0 < startLow >>> 0);
    if (isBefore) return this.#duration.int64(0, 0);
    const borrow = endLow >>> 0 < startLow >>> 0 ? 1 : 0;
    this.#duration.int64((endLow - startLow) | 0, (endHigh - startHigh - borrow) | 0);
  }
}
