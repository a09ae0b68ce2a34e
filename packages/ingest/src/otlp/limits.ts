/** Bounds what one record and one request may hold, so that a hostile body costs little. */

/** Attributes of one record, resource, scope, event, link or exemplar. */
export const MAX_ATTRIBUTES = 1_024;
/** Arrays and maps inside one another in a value. */
export const MAX_VALUE_DEPTH = 16;
/** Characters of a span, metric, event or scope name, and of an attribute key. */
export { MAX_NAME_LENGTH } from '@rollcall/semconv';
/** Values, events, links, buckets … of one record: an empty event takes 2 bytes on the wire and 200 in memory. */
export const MAX_RECORD_PARTS = 65_536;
/** Records of one request; the rest is refused unread. */
export const MAX_RECORDS = 500_000;
/** Bytes of all rows of one request, before compression: a resource is repeated on each of its rows. */
export const MAX_ROWS_BYTES = 128 * 1024 * 1024;
/** The last nanosecond that DateTime64(9) can hold: 2262-04-11 23:47:16.854775807 UTC. */
export const MAX_TIME_NS = 2n ** 63n - 1n;
/** How far the clock of a run's producer may be ahead: a day. */
export const MAX_AHEAD_NS = 86_400_000_000_000n;
/** Bytes of one row; the engine holds a row of every column in memory. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024;
