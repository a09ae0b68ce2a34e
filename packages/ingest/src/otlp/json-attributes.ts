/** Walks OTLP/JSON attributes and values from the tape into columns. */
import type { Region } from '../native/region.ts';
import { appendString, appendText } from '../native/source.ts';
import { type AttributeWriter, FOUND, ROLE } from '../rows/attribute-writer.ts';
import { appendBool, appendDouble, appendInt64, valueText } from '../rows/value-text.ts';
import { checkAttributeCount } from './attributes.ts';
import { wrongType } from './json-fields.ts';
import { FieldNames } from './json-names.ts';
import { type JsonTape, KIND } from './json-tape.ts';
import { checkObject, doubleToken, int64Token, textToken } from './json-tokens.ts';
import { toAnyValue } from './json-values.ts';

const ENTRY = new FieldNames(['key', 'value']);
const [KEY, VALUE] = [0, 1];

/** Walks a list of attributes; `list` is its token, 0 where absent. `name` is that of the list. */
export function walkJsonAttributes(
  tape: JsonTape,
  list: number,
  attributes: AttributeWriter,
  name = 'attributes',
): void {
  if (list === 0) return;
  const end = tape.nexts[list] as number;
  if (end - list > MAX_QUIET_TOKENS) checkAttributeCount(countItems(tape, list));
  for (let entry = list + 1; entry < end; entry = tape.nexts[entry] as number) {
    if (isKeyAndText(tape, entry)) walkKeyAndText(tape, entry, attributes);
    else walkAnyEntry(tape, entry, attributes, name);
  }
}

/** Nearly all are `{"key":…,"value":{"stringValue":…}}`, in this order: seven tokens. */
function isKeyAndText(tape: JsonTape, entry: number): boolean {
  const { kinds, nexts } = tape;
  return (
    nexts[entry] === entry + 7 &&
    kinds[entry] === KIND.OBJECT &&
    kinds[entry + 2] === KIND.STRING &&
    kinds[entry + 4] === KIND.OBJECT &&
    kinds[entry + 6] === KIND.STRING &&
    isName(tape, entry + 1, KEY_NAME) &&
    isName(tape, entry + 3, VALUE_NAME) &&
    isName(tape, entry + 5, TEXT_NAME)
  );
}

const KEY_NAME = Buffer.from('key');
const VALUE_NAME = Buffer.from('value');
const TEXT_NAME = Buffer.from('stringValue');

function isName(tape: JsonTape, token: number, name: Buffer): boolean {
  const start = tape.starts[token] as number;
  if ((tape.ends[token] as number) - start !== name.length) return false;
  const { bytes } = tape;
  for (let index = 0; index < name.length; index++) {
    if (bytes[start + index] !== name[index]) return false;
  }
  return true;
}

function walkKeyAndText(tape: JsonTape, entry: number, attributes: AttributeWriter): void {
  const textStart = tape.starts[entry + 6] as number;
  const textLength = (tape.ends[entry + 6] as number) - textStart;
  attributes.key(tape, tape.starts[entry + 2] as number, tape.length(entry + 2));
  appendText(attributes.column.values, tape, textStart, textLength);
  if (attributes.role !== ROLE.NONE) attributes.note(FOUND.TEXT, textStart, textLength);
}

function walkAnyEntry(tape: JsonTape, entry: number, attributes: AttributeWriter, name: string): void {
  checkObject(tape, entry, name);
  ENTRY.collect(tape, entry);
  const key = textToken(tape, ENTRY, KEY);
  attributes.key(tape, tape.starts[key] as number, key === 0 ? 0 : tape.length(key));
  const { values } = attributes.column;
  const start = values.at;
  const found = walkJsonAnyValue(tape, ENTRY.token(VALUE), values);
  if (attributes.role === ROLE.NONE) return;
  if (found === FOUND.TEXT) attributes.note(found, tape.starts[textAt] as number, tape.length(textAt));
  else attributes.note(found, start, 0);
}

/** So many tokens may be attributes of one record without being counted first. */
const MAX_QUIET_TOKENS = 1_024;

/** The token of the last value that was a text. */
let textAt = 0;

const ANY_VALUE = new FieldNames([
  'stringValue',
  'intValue',
  'doubleValue',
  'boolValue',
  'arrayValue',
  'kvlistValue',
  'bytesValue',
]);
const [STRING, INT, DOUBLE, BOOL] = [0, 1, 2, 3];

/** Appends an `AnyValue` as text: an object with at most one of the value fields. Returns one of {@link FOUND}. */
export function walkJsonAnyValue(tape: JsonTape, token: number, target: Region): number {
  if (token === 0) return appendNothing(target);
  if (tape.kinds[token] !== KIND.OBJECT) {
    throw wrongType('value', tape.value(token), "an object such as {'stringValue': …}");
  }
  ANY_VALUE.collect(tape, token);
  for (let member = 0; member < ANY_VALUE.names.length; member++) {
    const value = ANY_VALUE.token(member);
    if (value === 0) continue;
    if (member !== STRING) {
      appendOther(tape, token, member, value, target);
      return FOUND.OTHER;
    }
    if (tape.kinds[value] !== KIND.STRING) throw wrongType('stringValue', tape.value(value), 'a string');
    textAt = value;
    appendText(target, tape, tape.starts[value] as number, tape.length(value));
    return FOUND.TEXT;
  }
  return appendNothing(target);
}

function appendOther(tape: JsonTape, token: number, member: number, value: number, target: Region): void {
  if (member === INT) {
    int64Token(tape, value, 'intValue');
    appendInt64(target, tape.low, tape.high);
  } else if (member === DOUBLE) appendDouble(target, doubleToken(tape, value, 'doubleValue'));
  else if (member === BOOL) {
    const kind = tape.kinds[value];
    if (kind !== KIND.TRUE && kind !== KIND.FALSE) {
      throw wrongType('boolValue', tape.value(value), 'true or false');
    }
    appendBool(target, kind === KIND.TRUE);
  } else {
    // Lists, maps and bytes become objects first: they are rare, and their JSON is easier to read off.
    appendString(target, valueText(toAnyValue(tape.object(token))));
  }
}

function countItems(tape: JsonTape, list: number): number {
  let count = 0;
  const end = tape.nexts[list] as number;
  for (let item = list + 1; item < end; item = tape.nexts[item] as number) count++;
  return count;
}

function appendNothing(target: Region): number {
  target.reserve(1);
  target.bytes[target.at++] = 0;
  return FOUND.EMPTY;
}
