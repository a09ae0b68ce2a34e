/** Takes a run ID apart. */
import { formatRunId, instantOf } from './calendar.ts';
import { checkClientId } from './client-id.ts';
import { describeValue, quote } from './describe-value.ts';

/**
 * The parts of a run ID, or why the value is none.
 * `runId` is the job run's ID; `clientId` is null unless the ID is a client run's.
 * `startedAt` is the second that the ID names; a run that took a later free second started earlier.
 */
export type RunIdParse =
  | { status: 'ok'; runId: string; clientId: string | null; startedAt: Date }
  | { status: 'refused'; reason: string };

/**
 * Reads a job run ID (`YYMMDD-HHMMSS`) or a client run ID (`YYMMDD-HHMMSS-<client id>`).
 * Everything after the second hyphen is the client ID. Legacy forms are for `convertToStandardFormat`.
 * @example
 * parseRunId('250930-123045-Guy-Wilson') // => { status: 'ok', runId: '250930-123045', clientId: 'Guy-Wilson', startedAt: new Date('2025-09-30T12:30:45Z') }
 */
export function parseRunId(value: unknown): RunIdParse {
  if (typeof value !== 'string') {
    return refused(`A run ID is a string such as 250930-123045; got ${describeValue(value)}.`);
  }
  const parts = SHAPE.exec(value);
  if (parts === null) return refused(`${quote(value)} is not a run ID; use YYMMDD-HHMMSS, UTC.`);
  const [, date = '', time = '', clientId = null] = parts;
  const instant = instantOf(`20${date}${time}`);
  if (instant.status === 'refused') return refused(`${quote(value)} is not a run ID: ${instant.reason}.`);
  const client = clientId === null ? null : checkClientId(clientId);
  if (client?.status === 'refused') {
    return refused(`${quote(value)} is not a client run ID. ${client.reason}`);
  }
  const { epochMs } = instant;
  return { status: 'ok', runId: formatRunId(epochMs), clientId, startedAt: new Date(epochMs) };
}

const SHAPE = /^(\d{6})-(\d{6})(?:-(.*))?$/s;

function refused(reason: string): RunIdParse {
  return { status: 'refused', reason };
}
