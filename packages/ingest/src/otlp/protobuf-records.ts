/** Walks the spans and log records of a protobuf request into their columns. */
import { RecordError, RECORD_TOO_LARGE, type Fault } from './fault.ts';
import type { Request } from './request.ts';
import { type RecordVisitor, walkRequest } from './protobuf-origins.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import type { EncodedOrigin, OriginColumns } from '../rows/origin-columns.ts';
import type { TableWriter } from '../rows/table-writer.ts';
import type { ShownBody } from '../rows/writers.ts';
import type { Source } from '../native/source.ts';
import { Wire } from './wire.ts';

/** A table that takes one record after the other. */
export interface RecordWriter extends TableWriter {
  readonly origin: OriginColumns;
  write(source: Source, origin: EncodedOrigin, receivedAtMs: number): void;
}

/** Walks every record of `body` with `walk`; throws `MalformedBody` where the body is not OTLP. */
export function walkProtobufRecords<Writer extends RecordWriter>(
  body: Uint8Array,
  request: Request,
  writer: Writer,
  walk: (wire: Wire, end: number, writer: Writer) => void,
  shown?: ShownBody,
): void {
  walkRequest(body, new RecordWalker(new Wire(body), request, writer, walk, shown));
}

class RecordWalker<Writer extends RecordWriter> implements RecordVisitor {
  readonly #wire: Wire;
  readonly #request: Request;
  readonly #writer: Writer;
  readonly #walk: (wire: Wire, end: number, writer: Writer) => void;
  #origin: { item: EncodedOrigin } | { fault: Fault } | undefined;
  #firstRow = 0;
  readonly #kernel: KernelReader;

  constructor(
    wire: Wire,
    request: Request,
    writer: Writer,
    walk: (wire: Wire, end: number, writer: Writer) => void,
    shown: ShownBody | undefined,
  ) {
    this.#kernel = new KernelReader(shown);
    this.#wire = wire;
    this.#request = request;
    this.#writer = writer;
    this.#walk = walk;
  }

  begin(origin: Parameters<RecordVisitor['begin']>[0]): void {
    this.#origin = this.#request.origins.of(origin);
    this.#firstRow = this.#writer.rows;
  }

  passAhead(reader: ProtobufReader): void {
    this.#kernel.pass(reader);
  }

  readAhead(reader: ProtobufReader): void {
    const origin = this.#origin;
    if (origin && 'item' in origin) this.#kernel.walk(reader, this.#writer, origin.item, this.#request);
  }

  read(reader: ProtobufReader): void {
    const { tally, receivedAtMs } = this.#request;
    if (tally.closed) return this.refuse(reader, tally.closed);
    const origin = this.#origin;
    if (!origin || 'fault' in origin) return origin && this.refuse(reader, origin.fault);
    const wire = this.#wire;
    wire.at = reader.pass();
    wire.parts = 0;
    try {
      this.#walk(wire, reader.position, this.#writer);
      this.#writer.write(wire, origin.item, receivedAtMs);
    } catch (error) {
      this.#writer.undoRecord();
      tally.refuse(faultOf(error));
      return;
    }
    tally.accept();
  }

  end(): void {
    const origin = this.#origin;
    if (origin && 'item' in origin) this.#writer.origin.fill(origin.item, this.#writer.rows - this.#firstRow);
  }

  refuse(reader: ProtobufReader, fault: Fault): void {
    reader.skip();
    this.#request.tally.refuse(fault);
  }
}

/** Lets the kernel walk records where a reader stands, and moves the reader behind them. */
export class KernelReader {
  readonly #shown: ShownBody | undefined;
  #disappointments = 0;
  #pause = 0;

  constructor(shown: ShownBody | undefined) {
    this.#shown = shown;
  }

  /** Passes over records. */
  pass(reader: ProtobufReader): void {
    if (this.#shown === undefined) return;
    const { kernel, address } = this.#shown;
    reader.moveTo(kernel.passRecords(address + reader.position, address + reader.end) - address);
  }

  walk(
    reader: ProtobufReader,
    writer: TableWriter,
    origin: EncodedOrigin,
    { tally, receivedAtMs }: Request,
    sharedBytes = 0,
  ): void {
    if (this.#shown === undefined) return;
    const { address } = this.#shown;
    const { position, end } = reader;
    if (end - position < FEWEST_BYTES_FOR_KERNEL || !this.#isPatient()) return;
    const walked = writer.walkByKernel(address + position, address + end, origin, {
      receivedAtMs,
      mostRows: tally.closed ? 0 : tally.leftRecords,
      sharedBytes,
    });
    if (walked === undefined) return;
    this.#learn(walked.rows);
    reader.moveTo(walked.at - address);
    if (walked.rows > 0) tally.accept(walked.rows);
  }

  #isPatient(): boolean {
    if (this.#pause === 0) return true;
    this.#pause--;
    return false;
  }

  /** Where the kernel walks one record at a time at most, to ask it costs more than it saves. */
  #learn(rows: number): void {
    if (rows > 1) this.#disappointments = 0;
    else if (++this.#disappointments > 4) this.#pause = Math.min(2 ** (this.#disappointments - 4), 64);
  }
}

/** To call the kernel takes as long as to walk these. */
const FEWEST_BYTES_FOR_KERNEL = 256;

/** What is wrong with one record; what is a bug goes on. */
export function faultOf(error: unknown): Fault {
  if (error instanceof RecordError) return error;
  // A text can become longer than the longest string that Node can hold.
  if (error instanceof RangeError) return RECORD_TOO_LARGE;
  throw error;
}
