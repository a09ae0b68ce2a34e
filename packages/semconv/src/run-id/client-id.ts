/** Says what may be a client ID. */
import { describeValue, quote } from './describe-value.ts';

/** A client ID has at most this many characters (Unicode code points). */
export const MAX_CLIENT_ID_LENGTH = 128;

/** A client ID, or why the value is none. */
export type ClientIdCheck = { status: 'ok'; clientId: string } | { status: 'refused'; reason: string };

/**
 * Checks that a value is a client ID: a printable string of 1 to 128 characters.
 * Case, spaces, hyphens and apostrophes are kept; nothing is trimmed or normalised.
 * @example
 * checkClientId("O'Neil & Söhne") // => { status: 'ok', clientId: "O'Neil & Söhne" }
 * checkClientId('') // => { status: 'refused', reason: 'A client ID cannot be empty.' }
 */
export function checkClientId(value: unknown): ClientIdCheck {
  if (typeof value !== 'string') {
    return refused(`A client ID is a string; got ${describeValue(value)}.`);
  }
  if (value === '') return refused('A client ID cannot be empty.');
  if (isTooLong(value)) {
    return refused(`A client ID has at most ${MAX_CLIENT_ID_LENGTH} characters; got ${quote(value)}.`);
  }
  const unprintable = UNPRINTABLE.exec(value);
  if (unprintable !== null) {
    return refused(`A client ID is printable; ${quote(value)} holds ${codePointName(unprintable[0])}.`);
  }
  if (NOTHING_VISIBLE.test(value)) {
    return refused(`A client ID needs a visible character; got ${quote(value)}.`);
  }
  if (LEFT_BY_A_MISTAKE.test(value)) {
    return refused(
      `${quote(value)} is what a missing value or an object becomes as text; pass the client's ID.`,
    );
  }
  return { status: 'ok', clientId: value };
}

/** Whether a value is a client ID. {@link checkClientId} says why not. */
export function isValidClientId(value: unknown): value is string {
  return checkClientId(value).status === 'ok';
}

// Control characters, line and paragraph separators, halves of surrogate pairs.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u;
const NOTHING_VISIBLE = /^[\p{White_Space}\p{Default_Ignorable_Code_Point}]*$/u;
// `null` is not here: people are called Null.
const LEFT_BY_A_MISTAKE = /^(?:undefined|\[object \w+\])$/;

/** Looks at the length in UTF-16 first, so that a huge string is never walked. */
function isTooLong(value: string): boolean {
  if (value.length > 2 * MAX_CLIENT_ID_LENGTH) return true;
  return value.length > MAX_CLIENT_ID_LENGTH && Array.from(value).length > MAX_CLIENT_ID_LENGTH;
}

function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function refused(reason: string): ClientIdCheck {
  return { status: 'refused', reason };
}
