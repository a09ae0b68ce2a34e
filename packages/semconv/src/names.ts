/** Says which texts may name a job, a client, a metric or a span. Ingest refuses a record that names one otherwise. */

/** A job's name and a client's ID have at most this many characters (Unicode code points). */
const MAX_IDENTITY_LENGTH = 128;
/** A span's, metric's or event's name has at most this many characters (UTF-16 code units). */
export const MAX_NAME_LENGTH = 1_024;

/**
 * Whether a text can identify a job, a run or a client: 1 to 128 printable characters.
 * @example
 * isIdentityText('nightly sync') // => true
 * isIdentityText('nightly\nsync') // => false
 */
export function isIdentityText(value: unknown): value is string {
  return typeof value === 'string' && PRINTABLE.test(value);
}

// Not control characters, line and paragraph separators, halves of surrogate pairs.
const PRINTABLE = /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]{1,128}$/u;
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu;

/**
 * Makes of any text the nearest that {@link isIdentityText} accepts: spaces for what is not printable, none around it,
 * an ellipsis for what is too much. Empty where nothing is left.
 * @example
 * toIdentityText(' nightly\nsync ') // => 'nightly sync'
 */
export function toIdentityText(text: string): string {
  // A huge text is cut first, so that it is never walked whole.
  const start = text.trim().slice(0, 4 * MAX_IDENTITY_LENGTH);
  const characters = Array.from(start.replaceAll(UNPRINTABLE, ' ').trim());
  if (characters.length <= MAX_IDENTITY_LENGTH) return characters.join('');
  return `${characters.slice(0, MAX_IDENTITY_LENGTH - 1).join('')}…`;
}

/** The name, with an ellipsis for what is longer than {@link MAX_NAME_LENGTH}. */
export function shortenName(name: string): string {
  if (name.length <= MAX_NAME_LENGTH) return name;
  // Halves of a surrogate pair are not left over.
  return `${name.slice(0, MAX_NAME_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
