/** Turns ClickHouse's times into what the REST API shows. */

/** SQL for ISO 8601 with milliseconds, UTC; null stays null. */
export function isoTime(column: string): string {
  return `if(${column} IS NULL, NULL, concat(replaceOne(toString(toDateTime64(assumeNotNull(${column}), 3, 'UTC')), ' ', 'T'), 'Z'))`;
}

/** SQL for milliseconds since 1970, a number that JSON can hold; null stays null. */
export function epochMs(column: string): string {
  return `if(${column} IS NULL, NULL, toFloat64(toUnixTimestamp64Milli(toDateTime64(assumeNotNull(${column}), 3, 'UTC'))))`;
}

/** The run ID that a run would have which begins `days` before now: run IDs sort by time. */
export function runIdDaysAgo(days: number, now: Date = new Date()): string {
  return new Date(now.getTime() - days * 86_400_000)
    .toISOString()
    .replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, '$1$2$3-$4$5$6');
}
