/** Reads numbers as programs report them: as numbers, and as texts that say one exactly. */
import { describeValue, quote } from '../run-id/describe-value.ts';

/** A finite number, or why the value is none. */
export type NumberReading = { status: 'ok'; value: number } | { status: 'refused'; reason: string };

/**
 * Reads a finite number, or a text such as `'12'` or `' 3.5 '` that says one exactly.
 * Nothing is guessed: `''`, `'12 leads'`, `'1,000'`, `'0x10'` and more digits than a number holds are refused.
 */
export function readNumber(value: unknown): NumberReading {
  if (typeof value === 'string') return readText(value);
  if (typeof value !== 'number') return refused(`${describeValue(value)} is not a number`);
  if (!Number.isFinite(value)) return refused(`${value} is not a finite number`);
  // A zero has no sign here.
  return { status: 'ok', value: value + 0 };
}

const DECIMAL = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,4}))?$/i;
const LONGEST_TEXT = 400;

function readText(text: string): NumberReading {
  const trimmed = text.trim();
  const written = trimmed.length > LONGEST_TEXT ? null : writtenDecimal(trimmed);
  if (written === null) return refused(`the text ${quote(text)} is not a number`);
  const value = Number(trimmed);
  if (!Number.isFinite(value) || writtenDecimal(String(value)) !== written) {
    return refused(`the text ${quote(text)} says more digits than a number can hold`);
  }
  return { status: 'ok', value: value + 0 };
}

/** A decimal without the zeros that mean nothing, so that equal numbers are equal texts; null if it is none. */
function writtenDecimal(text: string): string | null {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  if (whole === '' && fraction === '') return null;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = Number(exponent) - fraction.length + (digits.length - significant.length);
  return `${sign === '-' ? '-' : ''}${significant}e${scale}`;
}

function refused(reason: string): NumberReading {
  return { status: 'refused', reason };
}
