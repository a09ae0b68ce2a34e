/** One write to the tracking API, as data: it can be sent, repeated, put on disk and sent again. */

export interface TrackingCall {
  /** Sent as Idempotency-Key, the same at every repetition. */
  readonly key: string;
  readonly method: 'POST' | 'PUT' | 'PATCH';
  /** `create` makes a job run; the others name the part of the run's path that follows its ID. */
  readonly action: 'create' | '' | 'complete' | 'metrics' | 'metrics/increment' | 'aliases';
  readonly runId: string | null;
  readonly clientId: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  /** The job, where it is known: what a record that is not there is made from. */
  readonly job: string | null;
  /** The run ID was made here because ingest was away, so another run may have got it meanwhile. */
  readonly madeHere?: boolean;
}

/** `/api/v1/runs/250930-123045/clients/acme/metrics` */
export function pathOf({ action, runId, clientId }: TrackingCall): string {
  if (action === 'create') return '/api/v1/runs';
  return recordPath(runId ?? '', clientId) + (action === '' ? '' : `/${action}`);
}

export function recordPath(runId: string, clientId: string | null): string {
  const run = `/api/v1/runs/${encodeURIComponent(runId)}`;
  return clientId === null ? run : `${run}/clients/${encodeURIComponent(clientId)}`;
}
