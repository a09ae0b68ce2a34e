/** Reads the values of OTLP/JSON off the tape; a value of the wrong type throws a `RecordError`. */
import type { FieldNames } from './json-names.ts';
import { toDouble, toInt64, toUint64, wrongType } from './json-fields.ts';
import { type JsonTape, KIND } from './json-tape.ts';

/** A text; returns its token, or 0 where absent. */
export function textToken<Name extends string>(
  tape: JsonTape,
  fields: FieldNames<Name>,
  name: number,
): number {
  const token = fields.token(name);
  if (token !== 0 && tape.kinds[token] !== KIND.STRING) throw wrong(tape, fields, name, token, 'a string');
  return token;
}

export function objectToken<Name extends string>(
  tape: JsonTape,
  fields: FieldNames<Name>,
  name: number,
): number {
  const token = fields.token(name);
  if (token !== 0 && tape.kinds[token] !== KIND.OBJECT) throw wrong(tape, fields, name, token, 'an object');
  return token;
}

export function listToken<Name extends string>(
  tape: JsonTape,
  fields: FieldNames<Name>,
  name: number,
): number {
  const token = fields.token(name);
  if (token !== 0 && tape.kinds[token] !== KIND.ARRAY) throw wrong(tape, fields, name, token, 'an array');
  return token;
}

/** An item of a list that is to be an object. */
export function checkObject(tape: JsonTape, token: number, name: string): void {
  if (tape.kinds[token] !== KIND.OBJECT) throw wrongType(name, tape.value(token), 'an object');
}

export function bool<Name extends string>(tape: JsonTape, fields: FieldNames<Name>, name: number): boolean {
  const token = fields.token(name);
  if (token === 0) return false;
  const kind = tape.kinds[token];
  if (kind !== KIND.TRUE && kind !== KIND.FALSE) throw wrong(tape, fields, name, token, 'true or false');
  return kind === KIND.TRUE;
}

export function uint32<Name extends string>(tape: JsonTape, fields: FieldNames<Name>, name: number): number {
  return smallInt(tape, fields, name, 0, 0xffffffff);
}

/** An int32, or an enum as its number. */
export function int32<Name extends string>(tape: JsonTape, fields: FieldNames<Name>, name: number): number {
  return smallInt(tape, fields, name, -0x80000000, 0x7fffffff);
}

/** A uint64 into the tape's two halves, 0 where absent. */
export function uint64<Name extends string>(tape: JsonTape, fields: FieldNames<Name>, name: number): void {
  const token = fields.token(name);
  if (token === 0) {
    tape.low = 0;
    tape.high = 0;
  } else uint64Token(tape, token, fields.names[name] as string);
}

export function uint64Token(tape: JsonTape, token: number, name: string): void {
  if (!digits(tape, token)) setHalves(tape, toUint64(tape.value(token), name));
}

export function int64Token(tape: JsonTape, token: number, name: string): void {
  if (!digits(tape, token)) setHalves(tape, toInt64(tape.value(token), name));
}

export function doubleToken(tape: JsonTape, token: number, name: string): number {
  return toDouble(tape.value(token), name);
}

function smallInt<Name extends string>(
  tape: JsonTape,
  fields: FieldNames<Name>,
  name: number,
  from: number,
  to: number,
): number {
  const token = fields.token(name);
  if (token === 0) return 0;
  const value = tape.value(token);
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= from && number <= to) return number;
  throw wrong(tape, fields, name, token, `an integer from ${from} to ${to}`);
}

/** Up to 18 digits and nothing else: 999,999,999,999,999,999 is below 2^63. Others take the long way. */
function digits(tape: JsonTape, token: number): boolean {
  const kind = tape.kinds[token];
  if (kind !== KIND.STRING && kind !== KIND.NUMBER) return false;
  const { bytes } = tape;
  const start = tape.starts[token] as number;
  const end = tape.ends[token] as number;
  if (end === start || end - start > 19) return false;
  // Nine digits fit into an int32; the last nine, and what is in front of them.
  const middle = Math.max(start, end - 9);
  const front = Math.max(start, end - 18);
  let top = 0;
  let upper = 0;
  let lower = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return false;
    if (at < front) top = digit;
    else if (at < middle) upper = upper * 10 + digit;
    else lower = lower * 10 + digit;
  }
  // Nine times 10^18 and what follows may pass 2^63.
  if (top === 9) return false;
  // (top * 10^9 + upper) * 10^9 + lower, in two halves; products of 16 and 30 bits are exact in doubles.
  const billions = top * 1e9 + upper;
  const billionsLow = billions % 65_536;
  const billionsHigh = (billions - billionsLow) / 65_536;
  const part = billionsLow * 1e9 + lower;
  const shifted = billionsHigh * 1e9;
  const shiftedLow = (shifted % 65_536) * 65_536;
  const low = (part % 4_294_967_296) + shiftedLow;
  const carry = low >= 4_294_967_296 ? 1 : 0;
  tape.low = low | 0;
  tape.high = (Math.floor(part / 4_294_967_296) + Math.floor(shifted / 65_536) + carry) | 0;
  return true;
}

function setHalves(tape: JsonTape, value: bigint): void {
  tape.low = Number(BigInt.asIntN(32, value));
  tape.high = Number(BigInt.asIntN(32, value >> 32n));
}

function wrong<Name extends string>(
  tape: JsonTape,
  fields: FieldNames<Name>,
  name: number,
  token: number,
  wanted: string,
): ReturnType<typeof wrongType> {
  return wrongType(fields.names[name] as string, tape.value(token), wanted);
}
