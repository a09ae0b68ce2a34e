/**
 * Finds the values of a JSON body without making an object of any: one pass over the bytes notes where each value
 * starts, where it ends, and which value comes after it. The idea is simdjson's tape (https://arxiv.org/abs/1902.08318).
 * What `JSON.parse` refuses is refused.
 */
import { isUtf8 } from 'node:buffer';
import type { ShownBody } from '../rows/writers.ts';
import { Source } from '../native/source.ts';
import { MalformedBody } from './fault.ts';
import { describeJson, isJsonObject, parseJsonText, type JsonObject } from './json-body.ts';

export const KIND = { OBJECT: 1, ARRAY: 2, STRING: 3, NUMBER: 4, TRUE: 5, FALSE: 6, NULL: 7 } as const;

/** OTLP needs some 60: seven objects down to an attribute's value, three per level of a nested map. */
const MAX_DEPTH = 512;
/** OTLP spends at least 17 bytes per object or array; `[[],[],…` would turn 64 MiB into gigabytes. */
const FEWEST_BYTES_PER_OBJECT = 12;
/** Bucket counts are the shortest values of OTLP; a body of nothing else is none of a telemetry sender. */
const FEWEST_BYTES_PER_VALUE = 4;
const SMALL_BODY_BYTES = 1024 * 1024;
const FIRST_TOKENS = 4_096;
/** The kernel is given room for so many values; telemetry has one in nine bytes. */
const KERNEL_BYTES_PER_VALUE = 6;
const MOST_KERNEL_BYTES = 16 * 1024 * 1024;
/** Memory beyond this is given back. */
const KEPT_TOKENS = 1024 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** A token is a number; 0 is the value of the whole body. A key is a token in front of its value. */
export class JsonTape extends Source {
  kinds = new Uint8Array(FIRST_TOKENS);
  /** Where a value starts; of a text, its first byte behind the quote, without escapes. */
  starts = new Int32Array(FIRST_TOKENS);
  /** Where it ends. */
  ends = new Int32Array(FIRST_TOKENS);
  /** The token behind a value and all that is in it. */
  nexts = new Int32Array(FIRST_TOKENS);
  /** The two halves of the last 64-bit number. */
  low = 0;
  high = 0;
  #count = 0;
  #objects = 0;
  /** Where the next text without its escapes goes, behind the body. */
  #unescapedAt = 0;
  #bodyLength = 0;
  readonly #stack = new Int32Array(MAX_DEPTH);

  constructor() {
    super(Buffer.alloc(0), true);
  }

  /** Reads a whole body. Throws `MalformedBody` where it is not JSON, or mostly empty values. */
  parse(body: Uint8Array, shown?: ShownBody): void {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (!isUtf8(bytes)) throw new MalformedBody('Not OTLP/JSON: the body is not UTF-8; send UTF-8 JSON.');
    const start = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
    const hasEscapes = bytes.includes(BACKSLASH);
    // Texts without their escapes are never longer than with them.
    this.adopt(hasEscapes ? withRoom(bytes) : bytes);
    this.#bodyLength = bytes.length;
    this.#unescapedAt = bytes.length;
    this.#count = 0;
    this.#objects = 0;
    if (hasEscapes || !shown || !this.#readByKernel(shown, start, bytes.length)) this.#read(start);
    this.#checkDensity(bytes.length);
  }

  /** Lets go of the body. */
  release(): void {
    this.adopt(Buffer.alloc(0));
    if (this.kinds.length > KEPT_TOKENS) this.#resize(FIRST_TOKENS);
  }

  length(token: number): number {
    return (this.ends[token] as number) - (this.starts[token] as number);
  }

  string(token: number): string {
    return this.bytes.toString('utf8', this.starts[token], this.ends[token]);
  }

  /** The value as `JSON.parse` makes it, but for integers that a double would round: these are texts. */
  value(token: number): unknown {
    const kind = this.kinds[token];
    if (kind === KIND.STRING) return this.string(token);
    if (kind === KIND.NULL) return null;
    if (kind === KIND.TRUE || kind === KIND.FALSE) return kind === KIND.TRUE;
    return parseJsonText(this.string(token));
  }

  /** The value as an object. */
  object(token: number): JsonObject {
    const value = this.value(token);
    if (!isJsonObject(value)) throw new Error(`Token ${token} is ${describeJson(value)}.`);
    return value;
  }

  /** False, with nothing noted, where the kernel can not read the body. */
  #readByKernel({ arena, kernel, address }: ShownBody, start: number, length: number): boolean {
    if (length > MOST_KERNEL_BYTES) return false;
    const room = Math.ceil(length / KERNEL_BYTES_PER_VALUE) + 16;
    const lists = arena.take(room * 13);
    const count = kernel.readJson(address, start, length, lists.address, room);
    if (count >= 0) {
      if (count > this.kinds.length) this.#resize(2 ** Math.ceil(Math.log2(count)));
      const { buffer } = arena.bytes;
      this.starts.set(new Int32Array(buffer, lists.address, count));
      this.ends.set(new Int32Array(buffer, lists.address + room * 4, count));
      this.nexts.set(new Int32Array(buffer, lists.address + room * 8, count));
      this.kinds.set(new Uint8Array(buffer, lists.address + room * 12, count));
      this.#count = count;
      this.#objects = kernel.jsonObjects();
    }
    arena.give(lists.address, lists.sizeBytes);
    return count >= 0;
  }

  #read(start: number): void {
    const stack = this.#stack;
    let depth = 0;
    let at = this.#space(start);
    for (;;) {
      const code = this.bytes[at];
      if (code === 0x7b || code === 0x5b) {
        const isObject = code === 0x7b;
        const token = this.#push(isObject ? KIND.OBJECT : KIND.ARRAY, at);
        this.#objects++;
        at = this.#space(at + 1);
        if (this.bytes[at] !== (isObject ? 0x7d : 0x5d)) {
          if (depth === MAX_DEPTH) throw this.#malformed(`values nested more than ${MAX_DEPTH} deep`, at);
          stack[depth++] = token;
          if (isObject) at = this.#key(at);
          continue;
        }
        at = this.#close(token, at);
      } else at = this.#scalar(code, at);

      // Behind a value: the next one, or the end of what it is in.
      for (;;) {
        at = this.#space(at);
        if (depth === 0) {
          if (at < this.#bodyLength) throw this.#unexpected(at);
          return;
        }
        const outer = stack[depth - 1] as number;
        const isObject = this.kinds[outer] === KIND.OBJECT;
        const next = at < this.#bodyLength ? this.bytes[at] : undefined;
        if (next === 0x2c) {
          at = this.#space(at + 1);
          if (isObject) at = this.#key(at);
          break;
        }
        if (next !== (isObject ? 0x7d : 0x5d)) throw this.#unexpected(at);
        at = this.#close(outer, at);
        depth--;
      }
    }
  }

  #key(start: number): number {
    if (this.bytes[start] !== QUOTE || start >= this.#bodyLength) throw this.#unexpected(start);
    const at = this.#space(this.#string(start));
    if (this.bytes[at] !== 0x3a || at >= this.#bodyLength) throw this.#unexpected(at);
    return this.#space(at + 1);
  }

  #scalar(code: number | undefined, at: number): number {
    if (at >= this.#bodyLength) throw this.#unexpected(at);
    if (code === QUOTE) return this.#string(at);
    if (code === 0x74) return this.#word('true', KIND.TRUE, at);
    if (code === 0x66) return this.#word('false', KIND.FALSE, at);
    if (code === 0x6e) return this.#word('null', KIND.NULL, at);
    return this.#number(at);
  }

  #string(start: number): number {
    const { bytes } = this;
    const end = this.#bodyLength;
    let at = start + 1;
    for (; at < end; at++) {
      const code = bytes[at] as number;
      if (code === QUOTE) {
        const token = this.#push(KIND.STRING, start + 1);
        this.ends[token] = at;
        return at + 1;
      }
      if (code === BACKSLASH) return this.#escaped(start, at);
      if (code < 0x20) throw this.#unexpected(at);
    }
    throw this.#unexpected(end);
  }

  #escaped(start: number, firstEscape: number): number {
    const { bytes } = this;
    let at = firstEscape;
    while (at < this.#bodyLength && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
    if (at >= this.#bodyLength) throw this.#unexpected(this.#bodyLength);
    // ClickHouse, and UTF-8, know no halves of surrogate pairs.
    const text = (parseWith(bytes.toString('utf8', start, at + 1)) as string).toWellFormed();
    const token = this.#push(KIND.STRING, this.#unescapedAt);
    this.#unescapedAt += bytes.write(text, this.#unescapedAt);
    this.ends[token] = this.#unescapedAt;
    return at + 1;
  }

  #word(word: string, kind: number, at: number): number {
    const end = at + word.length;
    if (end > this.#bodyLength || this.bytes.toString('latin1', at, end) !== word) throw this.#unexpected(at);
    const token = this.#push(kind, at);
    this.ends[token] = end;
    return end;
  }

  #number(start: number): number {
    const { bytes } = this;
    let at = bytes[start] === 0x2d ? start + 1 : start;
    if (bytes[at] === 0x30) at++;
    else at = this.#digits(at);
    if (at < this.#bodyLength && bytes[at] === 0x2e) at = this.#digits(at + 1);
    if (at < this.#bodyLength && ((bytes[at] as number) | 0x20) === 0x65) {
      at++;
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
      at = this.#digits(at);
    }
    const token = this.#push(KIND.NUMBER, start);
    this.ends[token] = at;
    return at;
  }

  /** One digit at least. */
  #digits(start: number): number {
    const { bytes } = this;
    let at = start;
    while (at < this.#bodyLength && (bytes[at] as number) >= 0x30 && (bytes[at] as number) <= 0x39) at++;
    if (at === start) throw this.#unexpected(at);
    return at;
  }

  #space(start: number): number {
    const { bytes } = this;
    let at = start;
    while (at < this.#bodyLength) {
      const code = bytes[at] as number;
      if (code > 0x20 || (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09)) break;
      at++;
    }
    return at;
  }

  #close(token: number, at: number): number {
    this.ends[token] = at + 1;
    this.nexts[token] = this.#count;
    return at + 1;
  }

  #push(kind: number, start: number): number {
    const token = this.#count++;
    if (token === this.kinds.length) {
      this.#checkDensity(start + SMALL_BODY_BYTES);
      this.#resize(token * 2);
    }
    this.kinds[token] = kind;
    this.starts[token] = start;
    this.nexts[token] = token + 1;
    return token;
  }

  #resize(tokens: number): void {
    const { kinds, starts, ends, nexts } = this;
    const kept = Math.min(tokens, kinds.length);
    this.kinds = new Uint8Array(tokens);
    this.starts = new Int32Array(tokens);
    this.ends = new Int32Array(tokens);
    this.nexts = new Int32Array(tokens);
    this.kinds.set(kinds.subarray(0, kept));
    this.starts.set(starts.subarray(0, kept));
    this.ends.set(ends.subarray(0, kept));
    this.nexts.set(nexts.subarray(0, kept));
  }

  #checkDensity(sizeBytes: number): void {
    if (sizeBytes <= SMALL_BODY_BYTES) return;
    const objects = this.#objects;
    const values = this.#count;
    if (objects * FEWEST_BYTES_PER_OBJECT <= sizeBytes && values * FEWEST_BYTES_PER_VALUE <= sizeBytes)
      return;
    throw new MalformedBody(
      `Not OTLP/JSON: ${objects} objects and ${values} values in ${sizeBytes} bytes; send fewer empty ones.`,
    );
  }

  #unexpected(at: number): MalformedBody {
    if (at >= this.#bodyLength) return this.#malformed('the body ends early', this.#bodyLength);
    return this.#malformed(`an unexpected ${JSON.stringify(this.bytes.toString('utf8', at, at + 1))}`, at);
  }

  #malformed(what: string, at: number): MalformedBody {
    return new MalformedBody(`Not OTLP/JSON: ${what} (byte ${at}); send UTF-8 JSON.`);
  }
}

/** Leaves an escape that is none to `JSON.parse`, which knows them all. */
function parseWith(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MalformedBody(`Not OTLP/JSON: ${why.slice(0, 200)}; send UTF-8 JSON.`, { cause: error });
  }
}

function withRoom(bytes: Buffer): Buffer {
  const roomy = Buffer.allocUnsafeSlow(bytes.length * 2);
  roomy.set(bytes);
  return roomy;
}
