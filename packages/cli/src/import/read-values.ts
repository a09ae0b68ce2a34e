/** Reads single cells: text, times and numbers. What is not one is refused, never made into something else. */

import type { MetricRole } from './mapping.ts';

/** A value, or why the cell holds none. `null` is an empty cell. */
export type Read<T> = { status: 'ok'; value: T } | { status: 'refused'; reason: string };

/** A cell as text; what is no text, number or truth value is written as JSON. */
export function textOf(cell: unknown): string {
  if (cell === undefined || cell === null) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell);
  // A linked or looked-up cell of Airtable is a list of one.
  if (Array.isArray(cell) && cell.length <= 1) return textOf(cell[0]);
  return JSON.stringify(cell);
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s?([Zz]|UTC|GMT|[+-]\d\d(?::?\d\d)?)?$/;
const EPOCH_SECONDS = /^(\d{10})(?:\.(\d{1,9}))?$/;
const EPOCH_MS = /^(\d{13})(?:\.\d+)?$/;
const FIRST_NS = BigInt(Date.UTC(2000, 0)) * 1_000_000n;
const DAY_NS = 86_400_000_000_000n;
const WOULD_WORK =
  'write 2025-09-30T12:30:45Z (without a zone it is UTC), or seconds or milliseconds since 1970';

/**
 * Reads a time as nanoseconds since 1970: ISO 8601, or 10 digits (seconds) or 13 (milliseconds).
 * Refused are times before 2000 and more than a day ahead: digits read with the wrong unit end up there.
 */
export function readTime(cell: unknown, nowMs: number): Read<bigint | null> {
  const text = textOf(cell).trim();
  if (text === '') return { status: 'ok', value: null };
  const ns = readEpoch(text) ?? readIso(text);
  if (ns === null) return { status: 'refused', reason: refusalOf(text) };
  if (ns >= FIRST_NS && ns <= BigInt(Math.floor(nowMs)) * 1_000_000n + DAY_NS)
    return { status: 'ok', value: ns };
  const year = new Date(Number(ns / 1_000_000n)).getUTCFullYear();
  const when = ns < FIRST_NS ? 'before 2000' : 'in the future';
  return { status: 'refused', reason: `It lies in the year ${year}, ${when}; ${WOULD_WORK}.` };
}

function refusalOf(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `It has no time of day; ${WOULD_WORK}.`;
  if (/^\d{11,16}$/.test(text)) {
    const year = new Date(Number(text)).getUTCFullYear();
    return `As milliseconds since 1970 it is the year ${year}; ${WOULD_WORK}.`;
  }
  return `It is no time that Rollcall reads; ${WOULD_WORK}.`;
}

function readEpoch(text: string): bigint | null {
  const [, seconds, fraction = ''] = EPOCH_SECONDS.exec(text) ?? [];
  if (seconds !== undefined) return BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  const [, milliseconds] = EPOCH_MS.exec(text) ?? [];
  return milliseconds === undefined ? null : BigInt(milliseconds) * 1_000_000n;
}

function readIso(text: string): bigint | null {
  const parts = ISO.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset = 'Z'] = parts;
  const days = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const eastMinutes = readOffset(offset);
  // 30 February or month 13 would come back as another date.
  const isDate =
    new Date(days).getUTCDate() === Number(day) && new Date(days).getUTCMonth() === Number(month) - 1;
  const isTime = Number(hour) <= 23 && Number(minute) <= 59 && Number(second) <= 59;
  if (!isDate || !isTime || eastMinutes === null) return null;
  const seconds = (Number(hour) * 60 + Number(minute) - eastMinutes) * 60 + Number(second);
  return BigInt(days + seconds * 1_000) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

function readOffset(offset: string): number | null {
  if (offset === 'Z' || /^(?:z|utc|gmt)$/i.test(offset)) return 0;
  const digits = offset.replaceAll(/\D/g, '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2));
  if (hours > 14 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** A number that a metric may have; `null` where the cell is empty, which is no zero. */
export function readMetric(
  cell: unknown,
  { name, aggregation, definition }: MetricRole,
): Read<number | null> {
  const text = textOf(cell);
  if (text.trim() === '') return { status: 'ok', value: null };
  const reading = definition.read(name, text, aggregation);
  if (reading.status === 'ok') return reading;
  const reason = reading.reason.charAt(0).toUpperCase() + reading.reason.slice(1);
  return { status: 'refused', reason: `${reason}; write it as 1234 or 12.5, or leave the cell empty.` };
}
