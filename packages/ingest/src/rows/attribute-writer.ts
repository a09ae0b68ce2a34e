/** Writes attributes into a map column under the rules that hold for both encodings, and finds those that name the run. */
import { ATTR } from '@rollcall/semconv';
import { RecordError } from '../otlp/fault.ts';
import { MAX_ATTRIBUTES, MAX_NAME_LENGTH } from '../otlp/limits.ts';
import { checkAttributeCount } from '../otlp/attributes.ts';
import type { Arena } from '../native/arena.ts';
import { MapColumn } from '../native/columns.ts';
import { appendLength, quoteSlice, type Source } from '../native/source.ts';

/** What a key means to ingest, as an index into {@link AttributeWriter.found}. */
export const ROLE = { NONE: 0, RUN_ID: 1, JOB_NAME: 2, CLIENT_ID: 3, SPAN_KIND: 4 } as const;
const ROLES = new Map<string, number>([
  [ATTR.RUN_ID, ROLE.RUN_ID],
  [ATTR.JOB_NAME, ROLE.JOB_NAME],
  [ATTR.CLIENT_ID, ROLE.CLIENT_ID],
  [ATTR.SPAN_KIND, ROLE.SPAN_KIND],
]);
const ROLE_COUNT = 5;

/** What a record says of itself in an attribute that has a role. */
export const FOUND = { ABSENT: 0, EMPTY: 1, TEXT: 2, OTHER: 3 } as const;

/** Keys mostly come in the same order in each record. */
const REMEMBERED_POSITIONS = 256;
const FIRST_KEYS = 64;

/**
 * The attributes of one list after another. For each: `begin`, then `key` and the value written behind
 * `column.values` for each attribute, then `end`.
 */
export class AttributeWriter {
  readonly column: MapColumn;
  /** By role: one of {@link FOUND}, and where the text is in the source. */
  readonly found = new Uint8Array(ROLE_COUNT);
  readonly foundAt = new Int32Array(ROLE_COUNT);
  readonly foundLength = new Int32Array(ROLE_COUNT);
  /** Of the key that was written last. */
  role: number = ROLE.NONE;
  #roles = new Uint8Array(FIRST_KEYS);
  /** The list in which each key was seen last. */
  #seen = new Int32Array(FIRST_KEYS);
  #list = 0;
  #knownKeys = 0;
  readonly #guesses = new Int32Array(REMEMBERED_POSITIONS);
  #count = 0;
  #hasDuplicates = false;
  #firstEntry = 0;
  #firstValue = 0;

  constructor(arena?: Arena) {
    this.column = new MapColumn(arena);
  }

  /** Changes with the roles. */
  rolesVersion = 0;

  /** By the number of the key: its role. */
  get roles(): Uint8Array {
    return this.#roles;
  }

  begin(): void {
    this.#list++;
    this.#count = 0;
    this.#hasDuplicates = false;
    this.#firstEntry = this.column.entries;
    this.#firstValue = this.column.values.at;
    this.found[ROLE.RUN_ID] = FOUND.ABSENT;
    this.found[ROLE.JOB_NAME] = FOUND.ABSENT;
    this.found[ROLE.CLIENT_ID] = FOUND.ABSENT;
    this.found[ROLE.SPAN_KIND] = FOUND.ABSENT;
  }

  /** Writes a key. Throws a `RecordError` where it is empty or too long, or one too many. */
  key(source: Source, at: number, length: number): void {
    const position = this.#count++;
    if (position >= MAX_ATTRIBUTES) checkAttributeCount(position + 1);
    const { keys } = this.column;
    let index = position < REMEMBERED_POSITIONS ? (this.#guesses[position] as number) : 0;
    if (!keys.dictionary.is(index, source, at, length)) {
      index = this.#find(source, at, length);
      if (position < REMEMBERED_POSITIONS) this.#guesses[position] = index;
    }
    if (this.#seen[index] === this.#list) this.#hasDuplicates = true;
    else this.#seen[index] = this.#list;
    this.role = this.#roles[index] as number;
    keys.push(index);
  }

  /** Says what the value of a key with a role was, and where its text is: in the source, or in `values` for others. */
  note(found: number, at: number, length: number): void {
    const { role } = this;
    this.found[role] = found;
    this.foundAt[role] = at;
    this.foundLength[role] = length;
  }

  /** The text of a value that is not a text, for a message. */
  otherText(role: number): string {
    return textAt(this.column.values.bytes, this.foundAt[role] ?? 0).toString();
  }

  end(): void {
    if (this.#hasDuplicates) this.#keepLast();
    this.column.endRow();
  }

  clear(): void {
    this.column.clear();
    this.rolesVersion++;
    this.#knownKeys = 0;
    this.#list = 0;
    this.#roles = new Uint8Array(FIRST_KEYS);
    this.#seen = new Int32Array(FIRST_KEYS);
  }

  #find(source: Source, at: number, length: number): number {
    checkKey(source, at, length);
    const { dictionary } = this.column.keys;
    const index = dictionary.find(source, at, length);
    if (dictionary.count > this.#knownKeys) this.#learn(index, source.text(at, length));
    return index;
  }

  #learn(index: number, key: string): void {
    if (index >= this.#roles.length) {
      this.#roles = grown(this.#roles, new Uint8Array(index * 2));
      this.#seen = grown(this.#seen, new Int32Array(index * 2));
    }
    this.#roles[index] = ROLES.get(key) ?? ROLE.NONE;
    this.#seen[index] = 0;
    this.#knownKeys = index + 1;
    this.rolesVersion++;
  }

  /** Of a key that comes twice the last value stays, in the place of the first. */
  #keepLast(): void {
    const { keys, values, entries } = this.column;
    const latest = new Map<number, Buffer>();
    let at = this.#firstValue;
    for (let entry = this.#firstEntry; entry < entries; entry++) {
      const value = textAt(values.bytes, at);
      latest.set(keys.at(entry), Buffer.from(value));
      at = value.byteOffset - values.bytes.byteOffset + value.length;
    }
    const [indexes] = keys.regions;
    if (indexes) indexes.at = this.#firstEntry;
    values.at = this.#firstValue;
    for (const [index, value] of latest) {
      keys.push(index);
      values.reserve(value.length + 5);
      appendLength(values, value.length);
      values.bytes.set(value, values.at);
      values.at += value.length;
    }
  }
}

function checkKey(source: Source, at: number, length: number): void {
  if (length === 0)
    throw new RecordError('empty_attribute_key', 'An attribute has an empty key; give it a name.');
  if (length <= MAX_NAME_LENGTH) return;
  const characters = source.text(at, length).length;
  if (characters <= MAX_NAME_LENGTH) return;
  throw new RecordError(
    'name_too_long',
    `The attribute key ${quoteSlice(source, at, length)} has ${characters} characters; use at most ${MAX_NAME_LENGTH}.`,
  );
}

/** The text with its length in front that starts here, without a copy. */
function textAt(bytes: Buffer, at: number): Buffer {
  let length = 0;
  let start = at;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[start++] ?? 0;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return bytes.subarray(start, start + length);
}

function grown<Values extends Uint8Array | Int32Array>(from: Values, to: Values): Values {
  to.set(from);
  return to;
}
