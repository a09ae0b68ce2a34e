/** Checks what callers pass, and names what is wrong with it. */
import {
  checkClientId,
  convertToStandardFormat,
  DECLARED_STATUSES,
  describeValue,
  parseRunId,
  type DeclaredStatus,
} from '@rollcall/semconv';
import { TrackingError, type TrackingErrorCode } from './errors.ts';

/** Who a call is about. `runId` may be an alias where `isAlias` says so. */
export interface Subject {
  runId: string;
  clientId: string | null;
}

/**
 * Reads the run that is meant: by its ID, with or without a client's suffix, by a legacy form of it, or by an alias.
 * A suffix that names another client than `clientId` is refused.
 */
export function readSubject(call: string, given: { runId: unknown; clientId?: unknown }): Subject {
  checkIsObject(call, given);
  const clientId = 'clientId' in given && given.clientId !== undefined ? readClientId(given) : null;
  const runId = readRunId(given.runId, clientId);
  const parsed = parseRunId(runId);
  if (parsed.status === 'refused') return { runId, clientId };
  if (clientId !== null && parsed.clientId !== null && parsed.clientId !== clientId) {
    const reason = `'${runId}' belongs to the client '${parsed.clientId}', not '${clientId}'; pass '${parsed.runId}'.`;
    throw invalid('client_mismatch', reason, { runId, clientId });
  }
  return { runId: parsed.runId, clientId };
}

/** Functions of one options object used to be called with positional arguments. */
export function checkIsObject(call: string, given: unknown): asserts given is Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given) && !('then' in given)) return;
  throw invalid('invalid_request', `${call} takes one object of options; got ${describeValue(given)}.`, {});
}

/** Refuses a field that nothing would read: a misspelt `endTime` used to lose the end without a word. */
export function checkFields(
  call: string,
  given: object,
  known: readonly string[],
  subject: Partial<Subject>,
): void {
  checkIsObject(call, given);
  const strange = Object.keys(given).find((field) => !known.includes(field));
  if (strange === undefined) return;
  const list = known.map((field) => `'${field}'`).join(', ');
  throw invalid('invalid_request', `${call} does not know '${strange}'; it takes ${list}.`, subject);
}

/** A job's name: a text of 1 to 256 characters. */
export function readJobType(call: string, jobType: unknown): string {
  const name = typeof jobType === 'string' ? jobType.trim() : '';
  if (name !== '' && name.length <= 256) return name;
  throw invalid(
    'invalid_request',
    `${call} needs jobType, the job's name as a text; got ${describeValue(jobType)}.`,
    {},
  );
}

/** How a program speaks of a run's state, in the spellings that are about: `Running`, `Timed Out`, `nothing_to_do`. */
export function readStatus(status: unknown, subject: Partial<Subject>): DeclaredStatus | 'running' {
  const folded =
    typeof status === 'string'
      ? status
          .trim()
          .toLowerCase()
          .replaceAll(/[\s_-]+/g, '_')
      : status;
  if (folded === 'running') return 'running';
  const declared = DECLARED_STATUSES.find((known) => known === folded);
  if (declared !== undefined) return declared;
  const hint =
    folded === 'completed_with_errors'
      ? "Rollcall concludes 'completed_with_errors' from the clients; declare 'completed' or 'failed'"
      : `A status is 'running', ${DECLARED_STATUSES.map((known) => `'${known}'`).join(', ')}`;
  throw invalid('invalid_request', `${hint}; got ${describeValue(status)}.`, subject);
}

/** ISO 8601, UTC, of a Date or a text with a time zone. */
export function readTime(field: string, time: unknown, subject: Partial<Subject>): string {
  const date = time instanceof Date ? time : readIsoText(time);
  if (date !== undefined && !Number.isNaN(date.getTime())) return date.toISOString();
  throw invalid(
    'invalid_request',
    `${field} is a Date or an ISO 8601 text with a time zone; got ${describeValue(time)}.`,
    subject,
  );
}

function readIsoText(time: unknown): Date | undefined {
  const isZoned = typeof time === 'string' && /^\d{4}-\d\d-\d\dT.*(?:[Zz]|[+-]\d\d:?\d\d)$/.test(time.trim());
  return isZoned ? new Date(time.trim()) : undefined;
}

function readRunId(runId: unknown, clientId: string | null): string {
  const converted = convertToStandardFormat(runId);
  if (converted.status === 'converted') return String(runId);
  if (clientId !== null && convertToStandardFormat(clientId).status === 'converted') {
    const reason = `runId and clientId look swapped: got runId ${describeValue(runId)} and clientId '${clientId}'.`;
    throw invalid('invalid_run_id', reason, { clientId });
  }
  // A foreign ID that holds no time may still be an alias; what a mistake leaves behind is none.
  const isAlias =
    typeof runId === 'string' && runId.length <= 512 && checkClientId(runId.slice(0, 64)).status === 'ok';
  if (isAlias) return runId;
  throw invalid('invalid_run_id', converted.reason, { clientId });
}

function readClientId({ clientId, runId }: { clientId?: unknown; runId: unknown }): string {
  const check = checkClientId(clientId);
  const known = typeof runId === 'string' ? { runId } : {};
  if (check.status === 'refused') throw invalid('invalid_client_id', check.reason, known);
  if (/^\.{1,2}$/.test(check.clientId)) {
    throw invalid(
      'invalid_client_id',
      `'${check.clientId}' cannot stand in a URL; give the client another ID.`,
      known,
    );
  }
  return check.clientId;
}

function invalid(code: TrackingErrorCode, message: string, subject: Partial<Subject>): TrackingError {
  return new TrackingError(code, message, { recovery: 'Nothing was sent.', ...subject });
}
