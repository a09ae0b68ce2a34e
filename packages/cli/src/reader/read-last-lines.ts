/** Reads what a run or one of its clients said last: often the cause, where it ended badly. */

import type { Verdict } from '@rollcall/semconv';
import { iso } from './read-run.ts';
import type { Reader } from './reader.ts';

export interface LastLine {
  readonly time: string;
  readonly severity: 'info' | 'warn' | 'error';
  readonly client_id: string;
  readonly text: string;
}

interface Speaker {
  readonly project: string;
  readonly runId: string;
  readonly origin: string;
  /** Not given: whoever spoke in the run. */
  readonly clientId?: string;
  readonly verdict: Verdict;
}

const LINES = 8;
const CALLS_FOR_LINES: ReadonlySet<Verdict> = new Set(['failed', 'timed_out', 'lost', 'cancelled']);

/** The last log lines, the oldest first; none of whoever ended well. */
export async function readLastLines(
  reader: Reader,
  { project, runId, origin, clientId = '', verdict }: Speaker,
): Promise<LastLine[]> {
  if (!CALLS_FOR_LINES.has(verdict)) return [];
  const lines = await reader.rows<LastLine>(
    `SELECT ${iso('toNullable(Timestamp)')} AS time, multiIf(SeverityNumber >= 17, 'error', SeverityNumber >= 13, 'warn', 'info') AS severity,
         ClientId AS client_id, leftUTF8(Body, 1000) AS text
     FROM otel_logs
     WHERE ProjectId = {project:String} AND RunId = {runId:String}
       -- Rows arrive after the start of their run; a sender's clock may be a day ahead at most.
       AND ReceivedAt >= parseDateTimeOrZero(concat('20', left({runId:String}, 13)), '%Y%m%d-%H%i%s', 'UTC') - INTERVAL 1 DAY
       AND if(LogAttributes['rollcall.run.origin'] != '', LogAttributes['rollcall.run.origin'], TraceId) IN ({origin:String}, '')
       AND EventName = '' AND Body != ''
       AND ({clientId:String} = '' OR ClientId = {clientId:String})
     ORDER BY Timestamp DESC
     LIMIT ${LINES}`,
    { project, runId, origin, clientId },
  );
  return lines.toReversed();
}
