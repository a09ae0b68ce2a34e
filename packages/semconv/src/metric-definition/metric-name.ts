/** Writes a metric's name one way, however programs spell it. */

/** A name has at most this many characters, as OpenTelemetry's instrument names do. */
export const MAX_METRIC_NAME_LENGTH = 255;

/**
 * What all spellings of a name have in common: `endTime`, `End Time`, `end_time` and `END-TIME` are `endtime`.
 * For finding a name only, never for showing it.
 */
export function metricNameKey(name: string): string {
  return name
    .normalize('NFC')
    .replaceAll(/[\s_.-]+/g, '')
    .toLowerCase();
}

/** The name as it was given, without white space around it and with single spaces inside. */
export function tidyMetricName(name: string): string {
  return name.normalize('NFC').trim().replaceAll(/\s+/g, ' ');
}
