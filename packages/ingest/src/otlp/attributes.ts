/** Collects decoded attributes under the rules that hold for both encodings. */
import { quote, RecordError } from './fault.ts';
import { MAX_ATTRIBUTES, MAX_NAME_LENGTH, MAX_VALUE_DEPTH } from './limits.ts';
import type { AnyValue, Attributes } from './records.ts';

/** Adds one attribute; the last of two with one key stays. */
export function addAttribute(attributes: Attributes, key: string, value: AnyValue): void {
  if (key === '')
    throw new RecordError('empty_attribute_key', 'An attribute has an empty key; give it a name.');
  if (key.length > MAX_NAME_LENGTH) {
    throw new RecordError(
      'name_too_long',
      `The attribute key ${quote(key)} has ${key.length} characters; use at most ${MAX_NAME_LENGTH}.`,
    );
  }
  attributes.set(key, value);
}

/** Refuses the record of which this is the `count`th attribute in one list, where that is too many. */
export function checkAttributeCount(count: number): void {
  if (count <= MAX_ATTRIBUTES) return;
  throw new RecordError(
    'too_many_attributes',
    `More than ${MAX_ATTRIBUTES} attributes on one record; send fewer, or put a map into one attribute.`,
  );
}

/** Refuses arrays and maps that lie deeper inside one another than is allowed. */
export function checkValueDepth(depth: number): void {
  if (depth <= MAX_VALUE_DEPTH) return;
  throw new RecordError(
    'value_too_deep',
    `A value has arrays or maps nested more than ${MAX_VALUE_DEPTH} deep; flatten it, or send it as JSON text.`,
  );
}
