/** Reads the times inside legacy IDs that are not written as plain digits. */
import { instantOf, type Instant } from './calendar.ts';

/**
 * Reads a local time (`2025-09-30T22:30:45`, or without punctuation), the digits of its fraction
 * and its offset (`Z`, `+10:00`, `+1000` or `+10`).
 */
export function readIso(local: string, fraction: string, offset: string): Instant {
  const instant = instantOf(local.replaceAll(/\D/g, ''));
  if (instant.status === 'refused') return instant;
  const minutesEast = readOffset(offset);
  if (minutesEast === null) return { status: 'refused', reason: `the offset ${offset} does not exist` };
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  return { status: 'ok', epochMs: instant.epochMs + milliseconds - minutesEast * 60_000 };
}

/** Reads the ten time characters of a ULID as milliseconds since 1970. */
export function readUlid(time: string): number {
  let epochMs = 0;
  for (const character of time.toUpperCase()) epochMs = epochMs * 32 + CROCKFORD.indexOf(character);
  return epochMs;
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

function readOffset(offset: string): number | null {
  if (offset.toUpperCase() === 'Z') return 0;
  const digits = offset.replaceAll(/\D/g, '').padEnd(4, '0');
  const hours = Number(digits.slice(0, 2));
  const minutes = Number(digits.slice(2, 4));
  if (hours > 23 || minutes > 59) return null;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
