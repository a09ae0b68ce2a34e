/** The names both sides agree on: attributes, events, verdicts, aggregations, run IDs. */
export { ATTR, SPAN_KIND } from './attributes.ts';
export { EVENT, type EventName } from './events.ts';
export { AGGREGATIONS, type Aggregation } from './metrics.ts';
export {
  DECLARED_STATUSES,
  DEFAULT_HEARTBEAT_INTERVAL_MS,
  HEARTBEATS_UNTIL_LOST,
  VERDICTS,
  type DeclaredStatus,
  type Verdict,
} from './verdict.ts';
