/** Says why a text that fits no form of a run ID cannot be converted. */

/** The end of a sentence that begins with the text itself: `… has no time zone; add Z`. */
export function whyUnreadable(text: string): string {
  const known = UNREADABLE_FORMS.find(({ pattern }) => pattern.test(text));
  return known?.reason ?? 'holds no time in a form that Rollcall reads; use YYMMDD-HHMMSS, UTC';
}

const UNREADABLE_FORMS = [
  {
    pattern: /^\[object \w+\]$/,
    reason: 'is what an object becomes as text; pass the ID itself, and await it if it is a Promise',
  },
  {
    pattern: /^(?:undefined|null|NaN|true|false|Invalid Date)$/,
    reason: 'is what a missing or wrong value becomes as text; pass the ID itself',
  },
  {
    pattern: /^(?:async )?function\b|^class \w+ |=>/,
    reason: 'is the text of a function; call it and pass the ID that it returns',
  },
  {
    pattern: /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i,
    reason: 'is a UUID that is not of version 7; only version 7 is read for its time',
  },
  {
    pattern: /\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:[.,]\d+)?$/,
    reason: 'has no time zone; add Z, or an offset such as +10:00',
  },
  {
    pattern: /(?:^|[_-])(?:\d{4}-\d\d-\d\d|\d{8})$/,
    reason: 'has a date but no time of day',
  },
  {
    pattern: /(?:^|[_-])\d{10}$/,
    reason: 'ends in ten digits, which may not be a time; write milliseconds since 1970, 13 digits',
  },
];
