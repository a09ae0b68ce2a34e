/** Decodes the JSON objects that all signals share: values, attributes, resources, scopes and exemplars. */
import { addAttribute, checkAttributeCount, checkValueDepth } from './attributes.ts';
import {
  fieldOf,
  idOf,
  listOf,
  optionalDoubleOf,
  textOf,
  toBytes,
  toDouble,
  toInt64,
  toObject,
  uint32Of,
  uint64Of,
  wellFormed,
  wrongType,
} from './json-fields.ts';
import { isJsonObject, type JsonObject } from './json-body.ts';
import type { AnyValue, Attributes, Exemplar, Resource, Scope } from './records.ts';

/** The attributes in the list field `name`. */
export function attributesOf(object: JsonObject, name = 'attributes'): Attributes {
  const attributes: Attributes = new Map();
  const entries = listOf(object, name);
  checkAttributeCount(entries.length);
  for (const entry of entries) {
    const attribute = toObject(entry, name);
    addAttribute(attributes, textOf(attribute, 'key'), toAnyValue(fieldOf(attribute, 'value')));
  }
  return attributes;
}

/** An OTLP `AnyValue`: an object with at most one of the value fields. */
export function toAnyValue(value: unknown, depth = 0): AnyValue {
  if (value === undefined || value === null) return null;
  if (!isJsonObject(value)) throw wrongType('value', value, "an object such as {'stringValue': …}");
  for (const [name, read] of VALUE_READERS) {
    const member = fieldOf(value, name);
    if (member !== undefined) return read(member, depth);
  }
  return null;
}

const VALUE_READERS: readonly (readonly [string, (value: unknown, depth: number) => AnyValue])[] = [
  ['stringValue', toText],
  ['intValue', (value) => toInt64(value, 'intValue')],
  ['doubleValue', (value) => toDouble(value, 'doubleValue')],
  ['boolValue', toBool],
  ['arrayValue', toArray],
  ['kvlistValue', toMap],
  ['bytesValue', (value) => toBytes(value, 'bytesValue')],
];

export function toResource(object: JsonObject): Resource {
  return { attributes: attributesOf(object) };
}

export function toScope(object: JsonObject): Scope {
  return {
    name: textOf(object, 'name'),
    version: textOf(object, 'version'),
    attributes: attributesOf(object),
    droppedAttributesCount: uint32Of(object, 'droppedAttributesCount'),
  };
}

export function toExemplar(value: unknown): Exemplar {
  const object = toObject(value, 'exemplars');
  return {
    attributes: attributesOf(object, 'filteredAttributes'),
    timeNs: uint64Of(object, 'timeUnixNano'),
    value: numberValueOf(object),
    traceId: idOf(object, 'traceId'),
    spanId: idOf(object, 'spanId'),
  };
}

/** The value of a number point or an exemplar: `asInt` or `asDouble`, `null` where neither is there. */
export function numberValueOf(object: JsonObject): number | bigint | null {
  const int = fieldOf(object, 'asInt');
  return int === undefined ? optionalDoubleOf(object, 'asDouble') : toInt64(int, 'asInt');
}

function toText(value: unknown): string {
  if (typeof value !== 'string') throw wrongType('stringValue', value, 'a string');
  return wellFormed(value);
}

function toBool(value: unknown): boolean {
  if (typeof value !== 'boolean') throw wrongType('boolValue', value, 'true or false');
  return value;
}

function toArray(value: unknown, depth: number): AnyValue[] {
  checkValueDepth(depth + 1);
  return listOf(toObject(value, 'arrayValue'), 'values').map((item) => toAnyValue(item, depth + 1));
}

function toMap(value: unknown, depth: number): Attributes {
  checkValueDepth(depth + 1);
  const map: Attributes = new Map();
  for (const item of listOf(toObject(value, 'kvlistValue'), 'values')) {
    const entry = toObject(item, 'values');
    map.set(textOf(entry, 'key'), toAnyValue(fieldOf(entry, 'value'), depth + 1));
  }
  return map;
}
