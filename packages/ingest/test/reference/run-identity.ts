/** Finds the run that a record belongs to. */
import { ATTR, isIdentityText } from '@rollcall/semconv';
import { quote, RecordError, type RefusalReason } from '../../src/otlp/fault.ts';
import type { Attributes } from '../../src/otlp/records.ts';
import { textJson, valueText } from './json-text.ts';

/**
 * The columns RunId, JobName and ClientId: each from the record's own attributes, else from its resource.
 * Throws a `RecordError` where one of them is there and is not a printable text;
 * the grammar of run IDs is checked where runs are claimed, not per record.
 */
export function runColumns(attributes: Attributes, resource: Attributes): string {
  const runId = identity(ATTR.RUN_ID, attributes, resource, 'invalid_run_id');
  const jobName = identity(ATTR.JOB_NAME, attributes, resource, 'invalid_job_name');
  const clientId = identity(ATTR.CLIENT_ID, attributes, resource, 'invalid_client_id');
  return `"RunId":${textJson(runId)},"JobName":${textJson(jobName)},"ClientId":${textJson(clientId)}`;
}

function identity(key: string, attributes: Attributes, resource: Attributes, reason: RefusalReason): string {
  const value = attributes.get(key) ?? resource.get(key);
  if (value === undefined || value === null) return '';
  if (isIdentityText(value)) return value;
  throw new RecordError(
    reason,
    `The attribute ${key} is ${quote(valueText(value))}; send a text of 1 to 128 printable characters, or leave it out.`,
  );
}
