/** The rows of one run meet; those of two runs do not. */

import { expect, test } from 'vitest';
import { identifyRun } from './identify-run.ts';

function identify(runId: string, clientId = '', job = 'lead_scoring') {
  const identified = identifyRun({ runId, clientId, job });
  if (identified.status === 'refused') throw new Error(identified.reason);
  return identified;
}

test('the origin of a run never changes: it is what makes importing again harmless', () => {
  expect(identify('job_lead_stream1_20250920_143022')).toEqual({
    status: 'ok',
    job: 'lead_scoring',
    runId: '250920-143022',
    clientId: null,
    origin: '458888f79340c45dab29049e5488d1c6',
    idNs: 1758378622000000000n,
    alias: 'job_lead_stream1_20250920_143022',
    aliasClientId: null,
  });
});

test.each([
  ['250930-123045', '250930-123045-Guy-Wilson', ''],
  ['250930-123045', '250930-123045', 'Guy-Wilson'],
  ['250930-123045.0', '250930-123045-Guy-Wilson', 'Guy-Wilson'],
  ['250930-123045', '250930-123045-apify-AeljThOnfXhim2T31', 'Guy-Wilson'],
  ['job_lead_stream1_20250920_143022', 'job_lead_stream1_20250920_143022-Guy-Wilson', 'Guy-Wilson'],
  // The suffix would pass for the random tail of the ID.
  ['job_lead_stream1_20250920_143022', 'job_lead_stream1_20250920_143022-acme', 'acme'],
])('%s is the job run of %s (client column: %j)', (jobRow, clientRow, clientId) => {
  expect(identify(clientRow, clientId).origin).toBe(identify(jobRow).origin);
  expect(identify(clientRow, clientId).clientId).toBe(clientId || 'Guy-Wilson');
});

test.each([
  ['smart_resume_1728026930000_k3x9q', 'smart_resume_1728026930123_zzzzz'],
  ['job_a_20250920_143022', 'job_b_20250920_143022'],
  ['250930-123045', '250930-123045.5'],
])('%s and %s are two runs', (one, other) => {
  expect(identify(one).runId).toBe(identify(other).runId);
  expect(identify(one).origin).not.toBe(identify(other).origin);
});

test('one ID of two jobs names two runs', () => {
  expect(identify('250930-123045').origin).not.toBe(identify('250930-123045', '', 'post_scoring').origin);
});

test('a standard ID needs no alias', () => {
  expect(identify('250930-123045').alias).toBeNull();
  expect(identify('250930-123045-Guy-Wilson').alias).toBeNull();
  expect(identify('250930-123045', "O'Neil").alias).toBeNull();
});
