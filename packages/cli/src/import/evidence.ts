/** Tells what a row says about a run as the SDK would have told it: OTLP events and metric points, as JSON text. */

import { ATTR, EVENT, type EventName } from '@rollcall/semconv';
import type { ImportedMetric, ImportedRun } from './read-run.ts';

/**
 * Names the producer. Never change it: a series of metrics is known by it, and a second name would count twice
 * what is imported again.
 */
export const PRODUCER = 'rollcall-import';

/** A metric point, and the metric that it belongs to: the text of an OTLP metric up to its points, and what closes it. */
export interface PointText {
  readonly head: string;
  readonly tail: string;
  readonly point: string;
}

export interface Evidence {
  readonly events: readonly string[];
  readonly points: readonly PointText[];
}

const LONGEST_MESSAGE = 8_192;
const INFO = '"severityNumber":9,"severityText":"INFO"';
const ERROR = '"severityNumber":17,"severityText":"ERROR"';

/**
 * The evidence of one row. The same row gives the same evidence, so that what is sent twice changes nothing.
 * Events have no sequence numbers and no count of metrics: history makes no promise to be complete.
 */
export function evidenceOf(imported: ImportedRun, { isAliasNew }: { isAliasNew: boolean }): Evidence {
  const run = stamped(imported);
  const events = [started(run), ...ended(run), ...failure(run), ...notes(run)];
  if (isAliasNew && run.alias !== null) events.push(alias(run, run.alias));
  return { events, points: run.metrics.map((metric) => pointOf(run, metric)) };
}

function started(run: Stamped): string {
  const name = run.clientId === null ? EVENT.RUN_STARTED : EVENT.CLIENT_RUN_STARTED;
  return eventText(run, { name, at: run.startedNs, attributes: recoveredOf(run) });
}

function ended(run: Stamped): string[] {
  if (run.endedNs === null) return [];
  const name = run.clientId === null ? EVENT.RUN_ENDED : EVENT.CLIENT_RUN_ENDED;
  const reason = run.remark === '' ? {} : { [ATTR.STATUS_REASON]: clip(run.remark) };
  const attributes = { [ATTR.STATUS]: run.outcome, ...reason, ...exceptionOf(run), ...recoveredOf(run) };
  return [eventText(run, { name, at: run.endedNs, attributes, failed: isFailed(run) })];
}

function failure(run: Stamped): string[] {
  if (run.error === null) return [];
  const { type, message } = run.error;
  return [
    eventText(run, {
      name: EVENT.FAILURE,
      at: run.endedNs ?? run.startedNs,
      body: clip(`${type}: ${message}`),
      attributes: exceptionOf(run),
      failed: true,
    }),
  ];
}

/** A run without an end has nowhere else to keep its remark. */
function notes(run: Stamped): string[] {
  const told = [
    ...run.assumed.map((text) => ({ code: 'import_assumed', subject: text, text })),
    ...run.refusedValues.map(({ column, value, reason }) => ({
      code: 'metric_refused',
      subject: column,
      text: clip(`${column} '${value}': ${reason}`),
    })),
    ...(run.endedNs === null && run.remark !== ''
      ? [{ code: 'import_remark', subject: 'remark', text: clip(run.remark) }]
      : []),
  ];
  return told.map(({ code, subject, text }) =>
    eventText(run, {
      name: EVENT.NOTE,
      at: run.startedNs,
      body: text,
      attributes: {
        [ATTR.NOTE_CODE]: code,
        [ATTR.NOTE_SUBJECT]: subject,
        [ATTR.NOTE_TEXT]: text,
        [ATTR.NOTE_COUNT]: 1,
      },
    }),
  );
}

/** At the second that the run ID names, whichever row brings it. */
function alias(run: Stamped, legacyId: string): string {
  return eventText(stamped(run, run.aliasClientId), {
    name: EVENT.RUN_ALIAS,
    at: run.idNs,
    attributes: { [ATTR.ALIAS]: legacyId, [ATTR.ALIAS_KIND]: 'legacy' },
  });
}

type Values = Record<string, string | number | boolean>;

function exceptionOf({ error }: ImportedRun): Values {
  if (error === null) return {};
  return { [ATTR.EXCEPTION_TYPE]: clip(error.type), [ATTR.EXCEPTION_MESSAGE]: clip(error.message) };
}

function recoveredOf({ assumed }: ImportedRun): Values {
  return assumed.length === 0 ? {} : { [ATTR.RECOVERED]: true };
}

function isFailed({ outcome }: ImportedRun): boolean {
  return outcome === 'failed' || outcome === 'timed_out';
}

function eventText(
  run: Stamped,
  event: { name: EventName; at: bigint; body?: string; attributes: Values; failed?: boolean },
): string {
  const severity = event.failed === true ? ERROR : INFO;
  const body = event.body === undefined ? '' : `"body":{"stringValue":${JSON.stringify(event.body)}},`;
  return (
    `{"timeUnixNano":"${event.at}","eventName":"${event.name}",${severity},${body}"traceId":"${run.origin}",` +
    `"attributes":[${run.stamp}${attributesText(event.attributes)}]}`
  );
}

/**
 * A running total since the second that the run ID names: it is the same whatever the row says of its start,
 * so a corrected row replaces its numbers instead of adding to them.
 */
function pointOf(run: Stamped, { name, aggregation, unit, value }: ImportedMetric): PointText {
  const told = run.endedNs ?? run.startedNs;
  const isSum = aggregation === 'sum';
  const attributes = run.stamp + attributesText({ [ATTR.METRIC_AGGREGATION]: aggregation });
  return {
    head: `{"name":${JSON.stringify(name)},"unit":${JSON.stringify(unit)},"${isSum ? 'sum' : 'gauge'}":{"dataPoints":[`,
    tail: isSum ? '],"aggregationTemporality":2,"isMonotonic":false}}' : ']}}',
    point:
      `{"startTimeUnixNano":"${run.idNs}","timeUnixNano":"${told > run.idNs ? told : run.idNs}",` +
      `"asDouble":${value},"attributes":[${attributes}]}`,
  };
}

/** A run with the attributes that all its evidence carries, written once. */
interface Stamped extends ImportedRun {
  readonly stamp: string;
}

function stamped(run: ImportedRun, clientId = run.clientId): Stamped {
  const { runId, origin, job, attempt } = run;
  const known = {
    [ATTR.RUN_ID]: runId,
    [ATTR.RUN_ORIGIN]: origin,
    [ATTR.JOB_NAME]: job,
    [ATTR.ATTEMPT]: attempt,
  };
  const values: Values = clientId === null ? known : { ...known, [ATTR.CLIENT_ID]: clientId };
  return { ...run, clientId, stamp: attributesText(values).slice(1) };
}

/** Each attribute with a comma before it. The text is written by hand: it is half of the work of an import. */
function attributesText(values: Values): string {
  let text = '';
  for (const key in values) text += `,{"key":"${key}","value":${anyValueText(values[key] ?? '')}}`;
  return text;
}

function anyValueText(value: string | number | boolean): string {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`;
  return typeof value === 'number' ? `{"intValue":${value}}` : `{"boolValue":${value}}`;
}

function clip(text: string): string {
  return text.length <= LONGEST_MESSAGE ? text : text.slice(0, LONGEST_MESSAGE).toWellFormed();
}
