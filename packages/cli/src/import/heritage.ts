/** Lists what the columns and statuses of old tracking tables are usually called, and what they mean here. */

import type { DeclaredStatus } from '@rollcall/semconv';

/** What Rollcall wants to know of a row. */
export const FIELDS = [
  'runId',
  'job',
  'clientId',
  'status',
  'startedAt',
  'endedAt',
  'errorType',
  'error',
  'errorMessage',
  'notes',
  'attempt',
] as const;
export type Field = (typeof FIELDS)[number];

/** How a run stood when the table was exported. */
export type Outcome = DeclaredStatus | 'completed_with_errors' | 'running';
export const OUTCOMES = [
  'completed',
  'completed_with_errors',
  'nothing_to_do',
  'failed',
  'cancelled',
  'timed_out',
  'running',
] as const satisfies readonly Outcome[];

/** `endTime`, `End Time` and `end_time` are one name. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '');
}

/** Plain names of each field, the most telling first: of two filled columns the first one counts. */
export const FIELD_NAMES: Readonly<Record<Field, readonly string[]>> = {
  runId: ['runid', 'jobrunid', 'clientrunid', 'legacyrunid', 'legacyid', 'executionid', 'jobid', 'id'],
  job: ['jobtype', 'jobname', 'job', 'process', 'processtype', 'runtype'],
  clientId: ['clientid', 'client', 'tenantid', 'tenant', 'customerid', 'customer'],
  status: ['status', 'jobstatus', 'runstatus', 'state'],
  startedAt: ['starttime', 'startedat', 'startdate', 'started', 'start'],
  endedAt: ['endtime', 'endedat', 'finishedat', 'completedat', 'finishtime', 'enddate', 'ended', 'end'],
  errorType: ['errortype', 'errorcode', 'errorclass'],
  error: ['error', 'errors'],
  errorMessage: ['errormessage', 'errordetails', 'lasterror'],
  notes: ['systemnotes', 'notes', 'reason', 'skipreason'],
  attempt: ['attempt', 'attemptnumber', 'try'],
};

/** Durations are worked out from start and end. */
export const DERIVED_NAMES: ReadonlySet<string> = new Set(['duration', 'durationms', 'durationseconds']);

/** Plain statuses of old tables; docs/import.md shows this table. */
const STATUSES: Readonly<Record<Outcome, readonly string[]>> = {
  completed: ['completed', 'complete', 'success', 'succeeded', 'successful', 'done', 'finished', 'ok'],
  completed_with_errors: [
    'completedwitherrors',
    'completedwithfailures',
    'partial',
    'partialsuccess',
    'partiallycompleted',
  ],
  nothing_to_do: ['skipped', 'skip', 'nothingtodo', 'noop', 'nowork', 'nodata', 'empty', 'nochanges'],
  failed: ['failed', 'failure', 'error', 'errored', 'crashed', 'exception'],
  cancelled: ['cancelled', 'canceled', 'aborted', 'stopped', 'terminated', 'killed'],
  timed_out: ['timedout', 'timeout', 'clienttimeout', 'jobtimeout'],
  running: ['running', 'started', 'inprogress', 'processing', 'active'],
};

const OUTCOME_OF: ReadonlyMap<string, Outcome> = new Map(
  OUTCOMES.flatMap((outcome) => STATUSES[outcome].map((name) => [name, outcome] as const)),
);

// 'No Leads To Score', 'No posts to harvest'.
const NOTHING_TO = /^no\p{L}+to(?:score|harvest|process|do|handle|sync|run|send)$/u;

/** What an old status means, or null where it is not known. */
export function outcomeOf(status: string): Outcome | null {
  const plain = plainName(status);
  return OUTCOME_OF.get(plain) ?? (NOTHING_TO.test(plain) ? 'nothing_to_do' : null);
}
