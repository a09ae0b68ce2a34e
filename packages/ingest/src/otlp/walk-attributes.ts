/** Walks protobuf attributes and values from the wire into columns. */
import type { Region } from '../native/region.ts';
import { appendString, appendText } from '../native/source.ts';
import { type AttributeWriter, FOUND, ROLE } from '../rows/attribute-writer.ts';
import { appendBase64, appendBool, appendDouble, appendInt64, valueText } from '../rows/value-text.ts';
import { ProtobufReader } from './protobuf-reader.ts';
import { readAnyValue } from './protobuf-values.ts';
import { fieldBits, type Wire } from './wire.ts';

const KEY = 0x0a;
const VALUE = 0x12;
const KEY_VALUE_FIELDS = fieldBits(1, 2);

/**
 * Walks the `KeyValue` message in the current field. Nearly all are a key and a text, in this order and each shorter
 * than 128 bytes: these are recognised by their first bytes, and cost half of what the others do.
 */
export function walkAttribute(wire: Wire, outerEnd: number, attributes: AttributeWriter): void {
  const { bytes, at } = wire;
  const length = bytes[at] as number;
  const keyLength = bytes[at + 2] as number;
  const valueAt = at + 3 + keyLength;
  const valueLength = bytes[valueAt + 1] as number;
  if (
    length < 0x80 &&
    at + length < outerEnd &&
    bytes[at + 1] === KEY &&
    bytes[valueAt] === VALUE &&
    keyLength + valueLength + 4 === length &&
    bytes[valueAt + 2] === STRING &&
    (bytes[valueAt + 3] as number) + 2 === valueLength
  ) {
    wire.part(2);
    wire.at = at + length + 1;
    attributes.key(wire, at + 3, keyLength);
    appendText(attributes.column.values, wire, valueAt + 4, valueLength - 2);
    if (attributes.role !== ROLE.NONE) attributes.note(FOUND.TEXT, valueAt + 4, valueLength - 2);
  } else walkAnyAttribute(wire, outerEnd, attributes);
}

function walkAnyAttribute(wire: Wire, outerEnd: number, attributes: AttributeWriter): void {
  const end = wire.message(outerEnd);
  let keyAt = 0;
  let keyLength = 0;
  let valueAt = 0;
  let valueEnd = -1;
  while (wire.at < end) {
    const tag = wire.tag();
    if (tag === KEY) {
      keyLength = wire.slice(end);
      keyAt = wire.at - keyLength;
    } else if (tag === VALUE) {
      valueEnd = wire.message(end);
      valueAt = wire.at;
      wire.at = valueEnd;
    } else wire.skip(tag, end, KEY_VALUE_FIELDS);
  }
  attributes.key(wire, keyAt, keyLength);
  const { values } = attributes.column;
  const start = values.at;
  wire.at = valueAt;
  const found = valueEnd < 0 ? appendNothing(values) : walkAnyValue(wire, valueEnd, values);
  wire.at = end;
  if (attributes.role === ROLE.NONE) return;
  if (found === FOUND.TEXT) attributes.note(found, wire.textAt, wire.textLength);
  else attributes.note(found, start, 0);
}

const STRING = 0x0a;
const BOOL = 0x10;
const INT = 0x18;
const DOUBLE = 0x21;
const ARRAY = 0x2a;
const MAP = 0x32;
const BYTES = 0x3a;
const VALUE_FIELDS = fieldBits(1, 2, 3, 4, 5, 6, 7);

/** Appends an `AnyValue` as text; a later member of its `oneof` replaces an earlier one. Returns one of {@link FOUND}. */
export function walkAnyValue(wire: Wire, end: number, target: Region): number {
  const start = target.at;
  let found: number = FOUND.EMPTY;
  while (wire.at < end) {
    const fieldAt = wire.at;
    const tag = wire.tag();
    if (tag === STRING) {
      wire.textLength = wire.slice(end);
      wire.textAt = wire.at - wire.textLength;
      target.at = start;
      appendText(target, wire, wire.textAt, wire.textLength);
      found = FOUND.TEXT;
    } else if (tag === INT) {
      wire.varint(end);
      target.at = start;
      appendInt64(target, wire.low, wire.high);
      found = FOUND.OTHER;
    } else if (isOther(tag)) {
      target.at = start;
      walkOther(wire, fieldAt, tag, end, target);
      found = FOUND.OTHER;
    } else wire.skip(tag, end, VALUE_FIELDS);
  }
  return found === FOUND.EMPTY ? appendNothing(target) : found;
}

function isOther(tag: number): boolean {
  return tag === DOUBLE || tag === BOOL || tag === BYTES || tag === ARRAY || tag === MAP;
}

function walkOther(wire: Wire, fieldAt: number, tag: number, end: number, target: Region): void {
  if (tag === DOUBLE) return appendDouble(target, wire.double(end));
  if (tag === BOOL) return appendBool(target, (wire.varint(end) | wire.high) !== 0);
  const length = wire.slice(end);
  if (tag === BYTES) return appendBase64(target, wire, wire.at - length, length);
  // Lists and maps become objects first: they are rare, and their JSON is easier to read off.
  const reader = new ProtobufReader(wire.bytes.subarray(fieldAt, wire.at), wire.parts);
  appendString(target, valueText(readAnyValue(reader)));
  wire.parts = reader.parts;
}

function appendNothing(target: Region): number {
  target.reserve(1);
  target.bytes[target.at++] = 0;
  return FOUND.EMPTY;
}
