/** Decides which settings of a client are taken: those that shape its own answer. */

import { FrontError } from './exception.ts';

/** Handed to the engine. Those with a limit there can only be made stricter. */
const TAKEN = new Set([
  'asterisk_include_alias_columns',
  'asterisk_include_materialized_columns',
  'bool_false_representation',
  'bool_true_representation',
  'date_time_output_format',
  'extremes',
  'final',
  'format_csv_delimiter',
  'format_csv_null_representation',
  'format_tsv_null_representation',
  'group_by_overflow_mode',
  'group_by_use_nulls',
  'join_use_nulls',
  'limit',
  'log_comment',
  'max_block_size',
  'max_bytes_to_read',
  'max_execution_time',
  'max_memory_usage',
  'max_result_bytes',
  'max_result_rows',
  'max_rows_to_group_by',
  'max_rows_to_read',
  'max_threads',
  'offset',
  'prefer_column_name_to_alias',
  'read_overflow_mode',
  'result_overflow_mode',
  'session_timezone',
  'timeout_overflow_mode',
  'union_default_mode',
]);
const TAKEN_FAMILY = /^output_format_/;
/** Writes a file. */
const NEVER = new Set(['output_format_schema']);

/** Clients send them by habit; for reading here they change nothing. */
const WITHOUT_EFFECT =
  /^(enable_http_compression|http_\w+|connect_timeout|send_timeout|receive_timeout|network_compression_method|priority|log_queries|async_insert|wait_for_async_insert|allow_experimental_\w+|enable_analyzer)$/;

/**
 * Returns what is handed to the engine.
 * @throws FrontError UNKNOWN_SETTING, READONLY
 */
export function acceptSettings(
  settings: Readonly<Record<string, string>>,
  known: ReadonlySet<string>,
): Record<string, string> {
  const accepted: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!known.has(name)) throw new FrontError('UNKNOWN_SETTING', `Unknown setting '${name}'.`);
    if (isTaken(name)) accepted[name] = value;
    else if (!isWithoutEffect(name, value))
      throw new FrontError('READONLY', `Cannot modify '${name}' setting in readonly mode.`);
  }
  return accepted;
}

function isTaken(name: string): boolean {
  return !NEVER.has(name) && (TAKEN.has(name) || TAKEN_FAMILY.test(name));
}

function isWithoutEffect(name: string, value: string): boolean {
  if (name === 'readonly') return value === '1' || value === '2';
  // The other analyzer is another engine: what it may do was not looked at.
  if (name === 'enable_analyzer' || name === 'allow_experimental_analyzer') return value === '1';
  return WITHOUT_EFFECT.test(name);
}
