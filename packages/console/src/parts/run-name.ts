/** Names a job run in addresses. */

import type { JobRunSummary } from '../api/types.ts';

/** `261125-140000`, and where other runs bear that ID too, `261125-140000~1f0c2a9b`: with the beginning of its trace ID. */
export function nameOf({
  runId,
  origin,
  conflicts,
}: Pick<JobRunSummary, 'runId' | 'origin' | 'conflicts'>): string {
  return conflicts > 0 ? namedByOrigin(runId, origin) : runId;
}

export function namedByOrigin(runId: string, origin: string): string {
  return `${runId}~${origin.slice(0, 8)}`;
}
