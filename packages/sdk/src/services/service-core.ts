/** What the repository and the metrics service have in common: one way out and one way back. */
import type { MetricDefinition } from '@rollcall/semconv';
import type { Subject } from './arguments.ts';
import { TrackingError } from './errors.ts';
import { logOnce, type TrackingLogger } from './logger.ts';
import { readMetrics, type MetricValues } from './metric-values.ts';
import type { QualityNotes } from './quality-notes.ts';
import {
  unconfirmed,
  type ClientRunRecord,
  type JobRunRecord,
  type MetricRefusal,
  type Page,
  type Tracked,
} from './records.ts';
import type { Settled, Tracker } from './tracker.ts';
import type { TrackingCall } from './tracking-call.ts';

export interface ServiceCoreOptions {
  tracker: Tracker;
  notes: QualityNotes;
  definition: MetricDefinition;
  log: TrackingLogger;
  throwOnError: boolean;
}

/** What every call may be given besides its own. */
export interface CallOptions {
  /** Breaks the call off. It then rejects with the code `cancelled`. */
  signal?: AbortSignal;
}

/** A call as the services describe it. */
export interface ServiceCall extends Pick<TrackingCall, 'method' | 'action' | 'body'> {
  runId: string | null;
  clientId: string | null;
  job?: string | null | undefined;
  key?: string | undefined;
}

const GET = { method: 'PATCH', action: '', body: {} } as const;

export class ServiceCore {
  readonly #options: ServiceCoreOptions;

  constructor(options: ServiceCoreOptions) {
    this.#options = options;
  }

  get tracker(): Tracker {
    return this.#options.tracker;
  }

  /** Checks the arguments and makes the calls; whatever goes wrong on the way is thrown, or told by the record. */
  async track<Kept>(work: () => Promise<Tracked<Kept>>): Promise<Tracked<Kept>> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TrackingError)) throw error;
      logOnce(this.#options.log, error);
      if (this.#options.throwOnError) throw error;
      const { runId, clientId } = error;
      return unconfirmed<Kept>(
        { runId, clientId, job: null },
        { pending: false, trackingError: error, refused: [] },
      );
    }
  }

  /** Makes one call. Throws a TrackingError where the caller must know of it. */
  async send<Kept>(
    call: ServiceCall,
    { signal }: CallOptions,
    told: MetricRefusal[] = [],
  ): Promise<Tracked<Kept>> {
    const settled = await this.#options.tracker.write({ ...call, job: call.job ?? null }, signal);
    return this.#conclude<Kept>(call, settled, told);
  }

  /** Reads a record; null where there is none. */
  async read<Kept>(path: string, subject: Subject, { signal }: CallOptions): Promise<Tracked<Kept> | null> {
    const settled = await this.#options.tracker.read(path, subject, signal);
    return settled === null ? null : this.#conclude<Kept>({ ...GET, ...subject }, settled, []);
  }

  /** Reads a page of a list. A list that cannot be read is empty, and says why. */
  async page<Row>(
    field: 'runs' | 'clients',
    describe: () => Promise<{ path: string; signal: AbortSignal | undefined }>,
  ): Promise<Page<Row>> {
    const nobody = { runId: null, clientId: null };
    try {
      const { path, signal } = await describe();
      const settled = await this.#options.tracker.read(path, nobody, signal);
      if (settled === null) return { rows: [], nextCursor: null, trackingError: null };
      if (settled.status === 'stored') {
        const { [field]: rows, nextCursor } = settled.record;
        return { rows: rows as Row[], nextCursor: nextCursor as string | null, trackingError: null };
      }
      if (settled.status === 'failed') throw settled.error;
      return { rows: [], nextCursor: null, trackingError: null };
    } catch (error) {
      if (!(error instanceof TrackingError)) throw error;
      logOnce(this.#options.log, error);
      if (this.#options.throwOnError && error.category !== 'storage') throw error;
      return { rows: [], nextCursor: null, trackingError: error };
    }
  }

  /** Reads values against the definition; sends what is sound, and notes the rest on the run. */
  async sendMetrics<Kept extends JobRunRecord | ClientRunRecord>(
    call: Omit<ServiceCall, 'body' | 'method'> & { action: 'metrics' | 'metrics/increment' },
    metrics: MetricValues,
    options: CallOptions,
  ): Promise<Tracked<Kept>> {
    const isTotal = call.action === 'metrics';
    const { kept, refused } = readMetrics(metrics, this.#options.definition, { areAdditions: !isTotal });
    const additions = Object.fromEntries(Object.entries(kept).map(([name, { value }]) => [name, value]));
    // Without a sound value it still proves that the client is there, and brings back its record.
    const sent = await this.send<Kept>(
      { ...call, method: isTotal ? 'PUT' : 'POST', body: { metrics: isTotal ? kept : additions } },
      options,
      refused,
    );
    if (refused.length === 0) return sent;
    this.#options.log.warn(
      { code: 'invalid_metric', runId: call.runId, clientId: call.clientId, refused },
      'Metrics were refused',
    );
    await this.#note(call, sent, refused, options);
    return sent;
  }

  async #note<Kept extends JobRunRecord | ClientRunRecord>(
    { runId, clientId }: Subject | { runId: string | null; clientId: string | null },
    sent: Tracked<Kept>,
    refused: readonly MetricRefusal[],
    { signal }: CallOptions,
  ): Promise<void> {
    const { tracker, notes } = this.#options;
    if (!sent.stored || runId === null) return;
    const parent = { runId, clientId: null };
    const run = 'origin' in sent ? sent : await tracker.read(tracker.pathOf(runId, null), parent, signal);
    const record = run !== null && 'status' in run ? (run.status === 'stored' ? run.record : undefined) : run;
    const { origin, job } = (record ?? {}) as { origin?: unknown; job?: unknown };
    if (typeof origin !== 'string' || typeof job !== 'string') return;
    await notes.tell({ runId: sent.runId, job, origin }, clientId, refused, signal);
  }

  #conclude<Kept>(call: ServiceCall, settled: Settled, told: MetricRefusal[]): Tracked<Kept> {
    const { clientId, job = null } = call;
    switch (settled.status) {
      case 'stored': {
        const { record, flaw, refused } = settled;
        const telling = { stored: true, pending: false, trackingError: flaw, refused: [...told, ...refused] };
        return { ...record, ...telling } as unknown as Tracked<Kept>;
      }
      case 'off':
      case 'pending': {
        const identity = { runId: settled.runId, clientId, job };
        const pending = settled.status === 'pending';
        return unconfirmed<Kept>(identity, { pending, trackingError: null, refused: told });
      }
      case 'failed': {
        const { error } = settled;
        // Neither ingest nor the disk took it: nothing that the job could do about it, so it goes on.
        if (error.category !== 'storage') throw error;
        return unconfirmed<Kept>(
          { runId: call.runId, clientId, job },
          { pending: false, trackingError: error, refused: told },
        );
      }
    }
  }
}
