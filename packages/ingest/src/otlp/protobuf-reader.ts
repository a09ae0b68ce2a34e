/** Walks the fields of a protobuf message, and never reads past its bounds. */
import { isAscii } from 'node:buffer';
import { contain, type Fault, RecordError } from './fault.ts';
import { MAX_RECORD_PARTS } from './limits.ts';

/** Source: https://protobuf.dev/programming-guides/encoding/#structure. Groups (3, 4) do not occur in OTLP. */
const WIRE = { VARINT: 0, FIXED64: 1, LENGTH_DELIMITED: 2, FIXED32: 5 } as const;
/** OTLP needs 55 at most: seven messages down to an attribute's value, three per level of a nested map. */
const MAX_MESSAGE_DEPTH = 64;
const MAX_VARINT_BYTES = 10;
/** Long enough for a trace ID to be told from one that is too long. */
const MAX_ID_BYTES = 32;

/**
 * A cursor over one protobuf message and the messages inside it.
 * Every method throws a {@link RecordError} where the bytes are not what the schema says.
 *
 * @example
 * while (reader.next()) {
 *   if (reader.fieldNumber === 1) name = reader.string();
 *   else reader.skip();
 * }
 */
export class ProtobufReader {
  /** Of the field that {@link next} found. */
  fieldNumber = 0;
  #wireType = 0;
  readonly #bytes: Buffer;
  #position = 0;
  #end: number;
  #depth = 0;
  #parts = 0;
  #varintLow = 0;
  #varintHigh = 0;

  /** `parts` have been counted against the record already. */
  constructor(bytes: Uint8Array, parts = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.byteLength;
    this.#parts = parts;
  }

  /** Parts of the record that have been read. */
  get parts(): number {
    return this.#parts;
  }

  /** Passes over the message in the current field, and returns where it starts; it ends at `position`. */
  pass(): number {
    this.#expect(WIRE.LENGTH_DELIMITED);
    return this.#takeLength();
  }

  get position(): number {
    return this.#position;
  }

  /** Where the current message ends. */
  get end(): number {
    return this.#end;
  }

  /** Goes on at the start of another field of the current message. */
  moveTo(position: number): void {
    this.#position = position;
  }

  /** Moves to the next field of the current message; false at its end. */
  next(): boolean {
    if (this.#position >= this.#end) return false;
    this.#readVarint();
    this.fieldNumber = this.#varintLow >>> 3;
    this.#wireType = this.#varintLow & 7;
    if (this.#varintHigh !== 0 || this.fieldNumber === 0)
      throw this.#malformed('a field number out of range');
    return true;
  }

  /** Passes over the current field, known or not. */
  skip(): void {
    if (this.#wireType === WIRE.VARINT) this.#readVarint();
    else if (this.#wireType === WIRE.FIXED64) this.#take(8);
    else if (this.#wireType === WIRE.LENGTH_DELIMITED) this.#takeLength();
    else if (this.#wireType === WIRE.FIXED32) this.#take(4);
    else throw this.#malformed(`wire type ${this.#wireType}`);
  }

  /** Reads the message in the current field with `read`, which sees nothing beyond it. */
  message<Item>(read: (reader: ProtobufReader) => Item): Item {
    this.#expect(WIRE.LENGTH_DELIMITED);
    this.#spendPart();
    return this.#within(this.#takeLength(), read);
  }

  /** Reads the record in the current field; what is wrong inside it does not harm the fields after it. */
  record<Item>(read: (reader: ProtobufReader) => Item): { item: Item } | { fault: Fault } {
    this.#expect(WIRE.LENGTH_DELIMITED);
    this.#parts = 0;
    const start = this.#takeLength();
    return contain(() => this.#within(start, read));
  }

  /** Runs `read` over the rest of the current message, then returns to where it stood. */
  lookAhead<Item>(read: (reader: ProtobufReader) => Item): { item: Item } | { fault: Fault } {
    const start = this.#position;
    this.#parts = 0;
    const result = contain(() => read(this));
    this.#position = start;
    return result;
  }

  /** Text; invalid UTF-8 is refused, a byte-order mark is kept. */
  string(): string {
    this.#expect(WIRE.LENGTH_DELIMITED);
    const start = this.#takeLength();
    const bytes = this.#bytes.subarray(start, this.#position);
    if (isAscii(bytes)) return bytes.toString('latin1');
    try {
      return utf8.decode(bytes);
    } catch (error) {
      throw new RecordError(
        'invalid_utf8',
        `Field ${this.fieldNumber} is text but not UTF-8 (bytes ${bytes.subarray(0, 16).toString('hex')}…); ` +
          'encode it as UTF-8, or send it as bytesValue.',
        { cause: error },
      );
    }
  }

  bytes(): Uint8Array {
    this.#expect(WIRE.LENGTH_DELIMITED);
    const start = this.#takeLength();
    return this.#bytes.subarray(start, this.#position);
  }

  /** Lower-case hex of a trace or span ID of any length; a caller checks the length. */
  id(): string {
    this.#expect(WIRE.LENGTH_DELIMITED);
    const start = this.#takeLength();
    return this.#bytes.toString('hex', start, Math.min(this.#position, start + MAX_ID_BYTES));
  }

  bool(): boolean {
    this.#expect(WIRE.VARINT);
    this.#readVarint();
    return (this.#varintLow | this.#varintHigh) !== 0;
  }

  /** The low 32 bits, as protobuf says of a longer varint. */
  uint32(): number {
    this.#expect(WIRE.VARINT);
    this.#readVarint();
    return this.#varintLow;
  }

  /** An int32 or an enum. */
  int32(): number {
    return this.uint32() | 0;
  }

  /** A zigzag-encoded int32. */
  sint32(): number {
    const zigzag = this.uint32();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  int64(): bigint {
    this.#expect(WIRE.VARINT);
    return BigInt.asIntN(64, this.#readUint64());
  }

  fixed32(): number {
    this.#expect(WIRE.FIXED32);
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  fixed64(): bigint {
    this.#expect(WIRE.FIXED64);
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  sfixed64(): bigint {
    this.#expect(WIRE.FIXED64);
    return this.#bytes.readBigInt64LE(this.#take(8));
  }

  double(): number {
    this.#expect(WIRE.FIXED64);
    return this.#bytes.readDoubleLE(this.#take(8));
  }

  /** Appends the values of a repeated double, packed or not. */
  doublesInto(values: number[]): void {
    this.#repeated(WIRE.FIXED64, values, () => this.#bytes.readDoubleLE(this.#take(8)));
  }

  /** Appends the values of a repeated fixed64, packed or not. */
  fixed64sInto(values: bigint[]): void {
    this.#repeated(WIRE.FIXED64, values, () => this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  /** Appends the values of a repeated uint64, packed or not. */
  uint64sInto(values: bigint[]): void {
    this.#repeated(WIRE.VARINT, values, () => this.#readUint64());
  }

  #repeated<Value>(wireType: number, values: Value[], read: () => Value): void {
    if (this.#wireType !== WIRE.LENGTH_DELIMITED) {
      this.#expect(wireType);
      this.#spendPart();
      values.push(read());
      return;
    }
    this.#within(this.#takeLength(), () => {
      while (this.#position < this.#end) {
        this.#spendPart();
        values.push(read());
      }
    });
  }

  /** Narrows the bounds to the bytes from `start` to the cursor, which ends up behind them whatever happens. */
  #within<Item>(start: number, read: (reader: ProtobufReader) => Item): Item {
    const end = this.#position;
    const outerEnd = this.#end;
    if (this.#depth >= MAX_MESSAGE_DEPTH) throw this.#malformed(`messages nested ${MAX_MESSAGE_DEPTH} deep`);
    this.#depth++;
    this.#position = start;
    this.#end = end;
    try {
      return read(this);
    } finally {
      this.#depth--;
      this.#position = end;
      this.#end = outerEnd;
    }
  }

  /** Passes over a length and as many bytes, and returns where these start. */
  #takeLength(): number {
    this.#readVarint();
    if (this.#varintHigh !== 0) throw this.#malformed('a length beyond 4 GiB');
    return this.#take(this.#varintLow);
  }

  #take(size: number): number {
    const start = this.#position;
    if (size > this.#end - start) {
      throw this.#malformed(`${size} bytes announced where ${this.#end - start} are left`);
    }
    this.#position = start + size;
    return start;
  }

  #readUint64(): bigint {
    this.#readVarint();
    if (this.#varintHigh === 0) return BigInt(this.#varintLow);
    return (BigInt(this.#varintHigh) << 32n) | BigInt(this.#varintLow);
  }

  #readVarint(): void {
    let low = 0;
    let high = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#bytes[this.#take(1)] ?? 0;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index > 4) high |= bits << (7 * index - 32);
      else {
        low |= bits << 28;
        high |= bits >>> 4;
      }
      if (byte > 1 && index === MAX_VARINT_BYTES - 1) break;
      if (byte < 0x80) {
        this.#varintLow = low >>> 0;
        this.#varintHigh = high >>> 0;
        return;
      }
    }
    throw this.#malformed('a varint longer than 64 bits');
  }

  #expect(wireType: number): void {
    if (this.#wireType === wireType) return;
    throw this.#malformed(`wire type ${this.#wireType} where ${wireType} belongs`);
  }

  #spendPart(): void {
    this.#parts++;
    if (this.#parts <= MAX_RECORD_PARTS) return;
    throw new RecordError(
      'record_too_large',
      `A record has more than ${MAX_RECORD_PARTS} attributes, events, links, array items or buckets; send fewer.`,
    );
  }

  #malformed(what: string): RecordError {
    return new RecordError(
      'malformed_record',
      `Not OTLP protobuf: ${what} (field ${this.fieldNumber}, byte ${this.#position}); check the content type.`,
    );
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
