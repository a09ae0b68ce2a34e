/** The names both sides agree on: attributes, events, verdicts, aggregations, run IDs. */
export { ATTR, SCHEDULE_KIND, SPAN_KIND } from './attributes.ts';
export { EVENT, type EventName } from './events.ts';
export {
  DEFAULT_AGGREGATION,
  defineMetrics,
  normalizeMetricName,
  type DeclaredMetric,
  type MetricDeclaration,
  type MetricDefinition,
  type MetricReading,
} from './metric-definition/define-metrics.ts';
export { HERITAGE_METRICS } from './metric-definition/heritage-metrics.ts';
export { AGGREGATIONS, type Aggregation } from './metrics.ts';
export { isIdentityText, MAX_NAME_LENGTH, shortenName, toIdentityText } from './names.ts';
export {
  checkClientId,
  isValidClientId,
  MAX_CLIENT_ID_LENGTH,
  type ClientIdCheck,
} from './run-id/client-id.ts';
export { baseRunId, clientRunId, isValidClientRunId } from './run-id/client-run-id.ts';
export { convertToStandardFormat, type RunIdConversion, type RunIdForm } from './run-id/convert.ts';
export { describeValue } from './run-id/describe-value.ts';
export { generateRunId, isValidRunId, nextRunId } from './run-id/job-run-id.ts';
export { parseRunId, type RunIdParse } from './run-id/parse-run-id.ts';
export { RunIdError, type RunIdErrorCode } from './run-id/run-id-error.ts';
export {
  DECLARED_STATUSES,
  DEFAULT_HEARTBEAT_INTERVAL_MS,
  HEARTBEATS_UNTIL_LOST,
  VERDICTS,
  type DeclaredStatus,
  type Verdict,
} from './verdict.ts';
