import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { JobRunRow } from '../reader/read-run.ts';
import { drawRun } from './run.ts';

const run: JobRunRow = {
  project_id: 'default',
  job_name: 'nightly_sync',
  run_id: '261127-020000',
  origin: '0af7651916cd43dd8448eb211c80319c',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  attempt: 1,
  verdict: 'running',
  declared_status: '',
  reason: '',
  started: '2026-11-27T02:00:00.000Z',
  ended: null,
  duration_ms: null,
  last_seen: '2026-11-27T02:01:00.000Z',
  progress: 0.5,
  clients_expected: 10,
  clients_started: 3,
  clients_not_ok: 0,
  telemetry: 'complete',
  error_type: '',
  error_message: '',
  notes: [],
};

function draw(counts: Record<string, number>, expected = run.clients_expected): string {
  const clients = Object.entries(counts).map(([verdict, count]) => ({
    verdict,
    clients: count,
    sample: ['acme'],
  }));
  const details = {
    run: { ...run, clients_expected: expected },
    clients,
    metrics: [],
    failures: [],
    lines: [],
  };
  return stripVTControlCharacters(drawRun(details as Parameters<typeof drawRun>[0]));
}

test('who answered is counted from the clients that are listed, which were read later than the run', () => {
  expect(draw({ completed: 4, running: 2, pending: 4 })).toContain('10 clients expected, 6 answered');
  expect(draw({ completed: 7, never_started: 3 })).toContain('10 clients expected, 7 answered');
  expect(draw({ completed: 5, failed: 1 }, 0)).toMatch(/^6 clients$/m);
});
