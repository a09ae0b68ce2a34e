/** Decodes the protobuf messages that all signals share: values, attributes, resources and scopes. */
import { addAttribute, checkAttributeCount, checkValueDepth } from './attributes.ts';
import type { ProtobufReader } from './protobuf-reader.ts';
import type { AnyValue, Attributes, Exemplar, Resource, Scope } from './records.ts';

/** Reads one `KeyValue` of a repeated field into `attributes`; `count` is its number in the list, from 1. */
export function readAttribute(reader: ProtobufReader, attributes: Attributes, count: number): void {
  checkAttributeCount(count);
  const { key, value } = reader.message((field) => readKeyValue(field, 0));
  addAttribute(attributes, key, value);
}

/** Reads an `AnyValue`; a later member of its `oneof` replaces an earlier one. */
export function readAnyValue(reader: ProtobufReader, depth = 0): AnyValue {
  let value: AnyValue = null;
  while (reader.next()) {
    if (reader.fieldNumber === 1) value = reader.string();
    else if (reader.fieldNumber === 2) value = reader.bool();
    else if (reader.fieldNumber === 3) value = reader.int64();
    else if (reader.fieldNumber === 4) value = reader.double();
    else if (reader.fieldNumber === 5) value = reader.message((list) => readArray(list, depth + 1));
    else if (reader.fieldNumber === 6) value = reader.message((list) => readMap(list, depth + 1));
    else if (reader.fieldNumber === 7) value = reader.bytes();
    else reader.skip();
  }
  return value;
}

export function readResource(reader: ProtobufReader): Resource {
  const attributes: Attributes = new Map();
  let count = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) readAttribute(reader, attributes, ++count);
    else reader.skip();
  }
  return { attributes };
}

export function readScope(reader: ProtobufReader): Scope {
  const scope: Scope = emptyScope();
  let count = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 1) scope.name = reader.string();
    else if (reader.fieldNumber === 2) scope.version = reader.string();
    else if (reader.fieldNumber === 3) readAttribute(reader, scope.attributes, ++count);
    else if (reader.fieldNumber === 4) scope.droppedAttributesCount = reader.uint32();
    else reader.skip();
  }
  return scope;
}

export function readExemplar(reader: ProtobufReader): Exemplar {
  const exemplar: Exemplar = { attributes: new Map(), timeNs: 0n, value: null, traceId: '', spanId: '' };
  let count = 0;
  while (reader.next()) {
    if (reader.fieldNumber === 7) readAttribute(reader, exemplar.attributes, ++count);
    else if (reader.fieldNumber === 2) exemplar.timeNs = reader.fixed64();
    else if (reader.fieldNumber === 3) exemplar.value = reader.double();
    else if (reader.fieldNumber === 6) exemplar.value = reader.sfixed64();
    else if (reader.fieldNumber === 4) exemplar.spanId = reader.id();
    else if (reader.fieldNumber === 5) exemplar.traceId = reader.id();
    else reader.skip();
  }
  return exemplar;
}

export function emptyScope(): Scope {
  return { name: '', version: '', attributes: new Map(), droppedAttributesCount: 0 };
}

function readKeyValue(reader: ProtobufReader, depth: number): { key: string; value: AnyValue } {
  let key = '';
  let value: AnyValue = null;
  while (reader.next()) {
    if (reader.fieldNumber === 1) key = reader.string();
    else if (reader.fieldNumber === 2) value = reader.message((field) => readAnyValue(field, depth));
    else reader.skip();
  }
  return { key, value };
}

function readArray(reader: ProtobufReader, depth: number): AnyValue[] {
  checkValueDepth(depth);
  const values: AnyValue[] = [];
  while (reader.next()) {
    if (reader.fieldNumber === 1) values.push(reader.message((field) => readAnyValue(field, depth)));
    else reader.skip();
  }
  return values;
}

function readMap(reader: ProtobufReader, depth: number): Attributes {
  checkValueDepth(depth);
  const values: Attributes = new Map();
  while (reader.next()) {
    if (reader.fieldNumber === 1) {
      const entry = reader.message((field) => readKeyValue(field, depth));
      values.set(entry.key, entry.value);
    } else reader.skip();
  }
  return values;
}
