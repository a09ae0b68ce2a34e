/** Says in a few words what a value is, for messages about a value that should have been an ID. */

const LONGEST_QUOTE = 60;

/**
 * Names any value by what it is: `a Promise (await it first)`, `undefined`, `the string "abc"`.
 * Never throws, whatever the value's own code does, and quotes at most the first 60 characters.
 */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (typeof value === 'object') return describeObject(value);
  if (typeof value === 'function') return 'a function (call it first)';
  // Not its digits: writing out a huge bigint takes long.
  return `a ${typeof value}`;
}

/** Puts a text in double quotes, control characters escaped, cut after 60 characters. */
export function quote(text: string): string {
  if (text.length <= LONGEST_QUOTE) return JSON.stringify(text);
  return `${JSON.stringify(clip(text))} (${text.length} characters)`;
}

function clip(text: string): string {
  return text.length <= LONGEST_QUOTE ? text : `${text.slice(0, LONGEST_QUOTE)}…`;
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return 'an array';
    if (value instanceof Date) return 'a Date';
    if ('then' in value && typeof value.then === 'function') return 'a Promise (await it first)';
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && name !== '' && name !== 'Object'
      ? `an object (${clip(name)})`
      : 'an object';
  } catch {
    // A revoked proxy or a throwing getter.
    return 'an object';
  }
}
