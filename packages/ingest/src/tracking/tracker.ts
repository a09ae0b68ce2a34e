/** Records what is said of runs over REST, and answers with the stored record. */

import { randomBytes } from 'node:crypto';
import {
  ATTR,
  checkClientId,
  convertToStandardFormat,
  EVENT,
  isValidRunId,
  parseRunId,
  type Aggregation,
  type DeclaredStatus,
} from '@rollcall/semconv';
import type { Engine } from '../store/engine.ts';
import { Claims } from './claims.ts';
import { Decisions } from './decisions.ts';
import { newIncrementKey, type EventFact, type MetricFact, type RunIdentity } from './evidence.ts';
import { KeyedLock } from './keyed-lock.ts';
import { listRuns, type RunPage, type RunQuery } from './list-runs.ts';
import { isPlainStart, newRunRecord } from './new-run-record.ts';
import { Reads, type KnownRun } from './reads.ts';
import { readJobRuns, type ClientRunRecord, type JobRunRecord } from './records.ts';
import { decide, type AttemptState, type Decision } from './rules.ts';
import { TrackingError } from './tracking-error.ts';
import { Writes, type Facts, type WritesOptions } from './writes.ts';

/** What can be said of the course of a job run or of a client run. */
export interface RunNews {
  readonly status?: 'running' | DeclaredStatus | undefined;
  readonly reason?: string | undefined;
  readonly error?:
    | { readonly type: string; readonly message: string; readonly stacktrace?: string | undefined }
    | undefined;
  readonly progress?: { readonly done: number; readonly total?: number | undefined } | undefined;
  readonly attempt?: number | undefined;
  /** ISO 8601. */
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly recovered?: boolean | undefined;
  /** A mere sign of life. */
  readonly heartbeat?: boolean | undefined;
}

export interface NewRun extends RunNews {
  readonly job: string;
  readonly runId?: string | undefined;
  readonly origin?: string | undefined;
  readonly heartbeatIntervalMs?: number | undefined;
  readonly expectedClients?: readonly string[] | undefined;
  /** What to do where another run has `runId`: refuse (409), or take the next free ID. Default refuse. */
  readonly ifTaken?: 'refuse' | 'next' | undefined;
  /** `refuse`: not while another run of the job is running. Nothing is locked: a run that died is lost, and in nobody's way. */
  readonly overlap?: 'allow' | 'refuse' | undefined;
  readonly aliases?:
    | readonly { readonly alias: string; readonly kind?: 'legacy' | 'external' | undefined }[]
    | undefined;
}

export interface NewClientRun extends RunNews {
  readonly standalone?: boolean | undefined;
  readonly job?: string | undefined;
}

export type MetricInputs = Readonly<
  Record<
    string,
    {
      readonly value: number;
      readonly aggregation?: Aggregation | undefined;
      readonly unit?: string | undefined;
    }
  >
>;

export interface TrackerOptions extends WritesOptions {
  readonly engine: Engine;
}

/** What was written, and is to be told once it can be read. */
interface Written {
  readonly identity: RunIdentity;
  readonly arrived: Promise<void>;
}

/** A run that was just created, and can not be read yet. */
interface FreshRun {
  readonly identity: RunIdentity;
  readonly record: JobRunRecord;
}

/** A run ID, and the beginning of the origin of the run that is meant. */
const ONE_OF_SEVERAL = /^(\d{6}-\d{6})~([\da-f]{4,32})$/;
const ROSTER_CHUNK = 500;
/** Among the newest runs of a job the one that may still be running is looked for. */
const RUNS_THAT_MAY_OVERLAP = 100;
/** What a REST create promises unless it says so: nothing, so that silence is no sign of death for a day. */
const NO_HEARTBEATS = '0';

/**
 * One of these serves a data folder. What is said of one run, or of one client of it, is decided and put on disk in turn;
 * answers wait until it can be read, many of them together.
 */
export class Tracker {
  readonly #options: TrackerOptions;
  readonly #claims: Claims;
  readonly #lock = new KeyedLock();
  readonly #writes: Writes;
  readonly #decidedRuns = new Decisions<KnownRun[]>();
  readonly #decidedClients = new Decisions<AttemptState>();
  /** By run: the aggregations of the metrics that are on their way. */
  readonly #aggregations = new Map<string, Map<string, Aggregation>>();
  readonly #reads: Reads;
  readonly #fresh = new Map<string, FreshRun>();
  /** Aliases, idempotency keys included, that can not be read yet: to the run that they name. */
  readonly #freshAliases = new Map<string, { runId: string; kind: string }>();
  #lastNs = 0n;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#claims = new Claims(options.engine, options.clock);
    this.#writes = new Writes(options);
    this.#reads = new Reads(options.engine);
  }

  /** Creates a job run, or finds the one that an equal create made before. */
  async createRun(
    project: string,
    run: NewRun,
    idempotencyKey?: string,
  ): Promise<{ created: boolean; record: JobRunRecord }> {
    if (run.overlap === 'refuse')
      return this.#inTurn(project, `job ${run.job}`, async () =>
        this.#createAlone(project, run, idempotencyKey),
      );
    await this.#writes.recovered();
    if (run.runId === undefined) return this.#createUnderNewId(project, run, idempotencyKey);
    const converted = convertToStandardFormat(run.runId);
    if (converted.status === 'refused') throw new TrackingError('invalid_run_id', converted.reason);
    const { runId } = converted;
    const aliases = converted.form.startsWith('standard')
      ? run.aliases
      : [...(run.aliases ?? []), { alias: run.runId, kind: 'legacy' as const }];
    const origin = run.origin ?? newTraceId();
    return this.#inTurn(project, runId, async () => {
      const fresh = this.#fresh.get(keyOf(project, runId));
      const claim = fresh === undefined ? await this.#claims.claim(project, runId, origin) : undefined;
      if (claim?.status === 'taken' && !claim.isOwn && run.ifTaken === 'next')
        return this.#createUnderNewId(project, run, idempotencyKey);
      const isFree = claim === undefined || claim.status === 'free';
      const found = isFree ? [] : await this.#findRuns(project, runId);
      const existing: { identity: RunIdentity }[] = fresh === undefined ? found : [fresh];
      const same =
        run.origin === undefined
          ? existing[0]
          : existing.find(({ identity }) => identity.origin === run.origin);
      // A taken ID of which nothing can be read is that of a run which is being recorded just now.
      if (existing.length === 0 && (claim?.status !== 'taken' || claim.isOwn)) {
        const identity = { project, runId, job: run.job, origin };
        return { created: true, record: await this.#beginClaimed(identity, { ...run, aliases }) };
      }
      if (same === undefined || same.identity.job !== run.job) {
        if (run.ifTaken === 'next') return this.#createUnderNewId(project, run, idempotencyKey);
        const other = same ?? existing[0];
        const whose = other === undefined ? 'another run' : `a run of '${other.identity.job}'`;
        const trace = other === undefined ? '' : `, with trace ${other.identity.origin}`;
        throw new TrackingError(
          'run_id_conflict',
          `Run ${runId} is ${whose} already${trace}. Leave out runId to get a free one.`,
          { record: fresh?.record ?? (other === undefined ? null : await this.#record(other.identity)) },
        );
      }
      const events = [...this.#rosterEvents(run.expectedClients), ...this.#aliasEvents(aliases)];
      if (events.length > 0) await this.#write(same.identity, { events });
      else if (fresh !== undefined) return { created: false, record: fresh.record };
      return { created: false, record: await this.#record(same.identity) };
    });
  }

  /** Changes a job run; with `upsert` it is made from what is known where it is not there. */
  async updateRun(
    project: string,
    name: string,
    news: RunNews & {
      expectedClients?: readonly string[] | undefined;
      upsert?: { job: string } | undefined;
      metrics?: MetricInputs | undefined;
    },
  ): Promise<JobRunRecord> {
    const runId = await this.#resolveRunId(project, name, news.upsert !== undefined);
    return this.#told(
      await this.#inTurn(project, runId, async () => {
        const runs = await this.#findRuns(project, runId);
        const [known] = runs;
        if (known === undefined) {
          if (news.upsert === undefined) throw runNotFound(name);
          const identity = { project, runId, job: news.upsert.job, origin: newTraceId() };
          await this.#claims.claim(project, runId, identity.origin);
          await this.#beginClaimed(identity, { ...news, job: identity.job, recovered: true });
          const attempt = news.attempt ?? 1;
          return this.#keepRun([{ identity, attempt, endedAs: endOf(news.status) }], {
            metrics: this.#metricFacts(attempt, news.metrics),
          });
        }
        const decision = accepted(
          decide(known, { attempt: news.attempt, status: news.status, hasNews: hasNews(news) }),
        );
        const events = [
          ...(decision.status === 'apply' ? this.#courseEvents(decision, news, JOB_EVENTS) : []),
          ...this.#rosterEvents(news.expectedClients),
        ];
        return this.#keepRun(after(runs, decision), {
          events,
          metrics: this.#metricFacts(decision.attempt, news.metrics),
        });
      }),
    );
  }

  /** Current totals, or additions, of the job run itself. */
  async recordRunMetrics(
    project: string,
    name: string,
    metrics: MetricInputs,
    how: MetricsMode,
  ): Promise<JobRunRecord> {
    const runId = await this.#resolveRunId(project, name);
    return this.#told(
      await this.#inTurn(project, runId, async () => {
        const runs = await this.#findRuns(project, runId);
        const [known] = runs;
        if (known === undefined) throw runNotFound(name);
        return this.#withAggregations(known.identity, '', metrics, async () =>
          this.#keepRun(runs, { metrics: this.#metricFacts(known.attempt, metrics, undefined, how) }),
        );
      }),
    );
  }

  /** Relates another name to the run, or to one of its clients. */
  async addAlias(
    project: string,
    name: string,
    {
      alias,
      kind = 'external',
      clientId,
    }: { alias: string; kind?: 'legacy' | 'external' | undefined; clientId?: string | undefined },
  ): Promise<JobRunRecord> {
    const runId = await this.#resolveRunId(project, name);
    return this.#told(
      await this.#inTurn(project, runId, async () => {
        const runs = await this.#findRuns(project, runId);
        if (runs.length === 0) throw runNotFound(name);
        const holder = (await this.#lookUpAlias(project, alias)).find((found) => found !== runId);
        if (holder !== undefined)
          throw new TrackingError('alias_taken', `'${alias}' names run ${holder} already.`);
        const events = this.#aliasEvents([{ alias, kind }], clientId);
        const written = await this.#keepRun(runs, { events });
        this.#noteFreshAliases(written, events);
        return written;
      }),
    );
  }

  /** Finds a job run by any of its names; `261125-140000~1f0c2a9b` is one of several that bear an ID. */
  async getRun(project: string, name: string): Promise<JobRunRecord> {
    const shared = ONE_OF_SEVERAL.exec(name);
    const runId = shared?.[1] ?? (await this.#resolveRunId(project, name));
    await this.#writes.arrived(project, runId);
    const records = await readJobRuns(this.#options.engine, { project, runId });
    const named = records.find(({ origin }) => origin.startsWith(shared?.[2] ?? ''));
    if (records[0] === undefined || named === undefined) throw runNotFound(name);
    if (records.length === 1 || shared !== null) return named;
    // Several bear the ID: the one that began first is meant, whatever its last attempt.
    const [first] = await this.#findRuns(project, runId);
    return records.find(({ origin }) => origin === first?.identity.origin) ?? records[0];
  }

  /** A page of runs, what was just written of them included. */
  async listRuns(query: RunQuery): Promise<RunPage> {
    await this.#writes.arrivedAll(query.project);
    return listRuns(this.#options.engine, query);
  }

  /** The key of a job run that a path names. */
  async findKey(project: string, name: string): Promise<RunIdentity> {
    const shared = ONE_OF_SEVERAL.exec(name);
    const found = await this.#findRuns(project, shared?.[1] ?? (await this.#resolveRunId(project, name)));
    const known = found.find(({ identity }) => identity.origin.startsWith(shared?.[2] ?? ''));
    if (known === undefined) throw runNotFound(name);
    await this.#writes.arrived(project, known.identity.runId);
    return known.identity;
  }

  /** Creates a client run, or finds the one that is there. Its job run must be there, unless it is standalone. */
  async putClientRun(
    project: string,
    name: string,
    clientId: string,
    run: NewClientRun,
  ): Promise<{ created: boolean; record: ClientRunRecord }> {
    checkClient(clientId);
    const runId = await this.#resolveRunId(project, name, run.standalone === true);
    const put = async (): Promise<Written & { isNew: boolean }> =>
      this.#inTurn(project, clientTurn(runId, clientId), async () => {
        const identity = await this.#parentOf(project, runId, name, run);
        const known = await this.#findClient(identity, clientId);
        const isNew = known === null;
        const start: Decision = {
          status: 'apply',
          attempt: run.attempt ?? 1,
          starts: true,
          ends: endOf(run.status),
        };
        const decision = isNew
          ? start
          : accepted(
              decide(known, {
                attempt: run.attempt,
                status: run.status ?? (known.endedAs as DeclaredStatus | null) ?? 'running',
                hasNews: false,
              }),
            );
        const isNews =
          decision.status === 'apply' && (isNew || decision.starts || decision.ends !== null || hasNews(run));
        const extra = run.standalone === true ? { [ATTR.STANDALONE]: 'true' } : {};
        const events = isNews ? this.#courseEvents(decision, run, CLIENT_EVENTS, clientId, extra) : [];
        return {
          isNew,
          ...(await this.#keepClient(identity, clientId, stateAfter(known, decision), { events })),
        };
      });
    // Standalone client runs of one ID belong together: the first of them gives the others their origin.
    const { isNew, ...written } = await (run.standalone === true ? this.#inTurn(project, runId, put) : put());
    return { created: isNew, record: await this.#toldOfClient(written, clientId) };
  }

  /** Changes a client run; with `upsert` it is made from what is known where it is not there. */
  async updateClientRun(
    project: string,
    name: string,
    clientId: string,
    news: RunNews & { upsert?: boolean | undefined; metrics?: MetricInputs | undefined },
  ): Promise<ClientRunRecord> {
    checkClient(clientId);
    const runId = await this.#resolveRunId(project, name);
    const written = await this.#inTurn(project, clientTurn(runId, clientId), async () => {
      const identity = await this.#parentOf(project, runId, name, {});
      const known = await this.#findClient(identity, clientId);
      if (known === null && news.upsert !== true) throw clientNotFound(clientId, runId);
      const decision: Decision =
        known === null
          ? { status: 'apply', attempt: 1, starts: true, ends: endOf(news.status) }
          : accepted(decide(known, { attempt: news.attempt, status: news.status, hasNews: hasNews(news) }));
      const told = known === null ? { ...news, recovered: true } : news;
      return this.#keepClient(identity, clientId, stateAfter(known, decision), {
        events:
          decision.status === 'apply' ? this.#courseEvents(decision, told, CLIENT_EVENTS, clientId) : [],
        metrics: this.#metricFacts(decision.attempt, news.metrics, clientId),
      });
    });
    return this.#toldOfClient(written, clientId);
  }

  /** Current totals, or additions, of a client run. */
  async recordClientMetrics(
    project: string,
    name: string,
    clientId: string,
    metrics: MetricInputs,
    how: MetricsMode,
  ): Promise<ClientRunRecord> {
    checkClient(clientId);
    const runId = await this.#resolveRunId(project, name);
    const written = await this.#inTurn(project, clientTurn(runId, clientId), async () => {
      const identity = await this.#parentOf(project, runId, name, {});
      const known = await this.#findClient(identity, clientId);
      if (known === null) throw clientNotFound(clientId, runId);
      return this.#withAggregations(identity, clientId, metrics, async () =>
        this.#keepClient(identity, clientId, known, {
          metrics: this.#metricFacts(known.attempt, metrics, clientId, how),
        }),
      );
    });
    return this.#toldOfClient(written, clientId);
  }

  async getClientRun(project: string, name: string, clientId: string): Promise<ClientRunRecord> {
    checkClient(clientId);
    const identity = ONE_OF_SEVERAL.test(name)
      ? await this.findKey(project, name)
      : await this.#parentOf(project, await this.#resolveRunId(project, name, true), name, {
          standalone: true,
        });
    await this.#writes.arrived(project, identity.runId);
    return this.#clientRecord(identity, clientId);
  }

  async #createAlone(
    project: string,
    run: NewRun,
    idempotencyKey: string | undefined,
  ): Promise<{ created: boolean; record: JobRunRecord }> {
    const { runs } = await this.listRuns({
      project,
      job: run.job,
      limit: RUNS_THAT_MAY_OVERLAP,
    });
    const other = runs.find(({ verdict, runId }) => verdict === 'running' && runId !== run.runId);
    if (other === undefined) return this.createRun(project, { ...run, overlap: 'allow' }, idempotencyKey);
    throw new TrackingError(
      'overlap_refused',
      `Run ${other.runId} of '${run.job}' is running since ${other.startedAt}. Wait for it, or leave out "overlap".`,
      { record: other },
    );
  }

  async #createUnderNewId(
    project: string,
    run: NewRun,
    idempotencyKey: string | undefined,
  ): Promise<{ created: boolean; record: JobRunRecord }> {
    const create = async (): Promise<{ created: boolean; record: JobRunRecord }> => {
      const origin = run.origin ?? newTraceId();
      const { runId, again } = await this.#claims.claimNext(project, { job: run.job, origin }, run.runId);
      const identity = { project, runId, job: run.job, origin };
      if (again) return { created: false, record: await this.#repeated(identity) };
      const keyAlias =
        idempotencyKey === undefined
          ? []
          : this.#aliasEvents([{ alias: idempotencyKey, kind: 'idempotency' }]);
      return { created: true, record: await this.#beginClaimed(identity, run, keyAlias) };
    };
    if (idempotencyKey === undefined) return create();
    return this.#inTurn(project, `key ${idempotencyKey}`, async () => {
      const [runId] = await this.#lookUpAlias(project, idempotencyKey, 'idempotency');
      if (runId === undefined) return create();
      const record = await this.getRun(project, runId);
      if (record.job === run.job) return { created: false, record };
      throw new TrackingError(
        'idempotency_key_reused',
        `The key '${idempotencyKey}' created run ${runId} of '${record.job}'; take another key for '${run.job}'.`,
      );
    });
  }

  /** The record of a run that was made for the same question a moment ago. */
  async #repeated({ project, runId, origin }: RunIdentity): Promise<JobRunRecord> {
    return this.#inTurn(project, runId, async () => {
      const fresh = this.#fresh.get(keyOf(project, runId));
      if (fresh?.identity.origin === origin) return fresh.record;
      const known = (await this.#findRuns(project, runId)).find(({ identity }) => identity.origin === origin);
      if (known === undefined) throw runNotFound(runId);
      return this.#record(known.identity);
    });
  }

  async #beginClaimed(
    identity: RunIdentity,
    run: NewRun,
    more: readonly EventFact[] = [],
  ): Promise<JobRunRecord> {
    const decision: Decision = {
      status: 'apply',
      attempt: run.attempt ?? 1,
      starts: true,
      ends: endOf(run.status),
    };
    const extra = {
      [ATTR.HEARTBEAT_INTERVAL_MS]:
        run.heartbeatIntervalMs === undefined ? NO_HEARTBEATS : String(run.heartbeatIntervalMs),
    };
    const events = [
      ...this.#courseEvents(decision, run, JOB_EVENTS, undefined, extra),
      ...this.#rosterEvents(run.expectedClients),
      ...this.#aliasEvents(run.aliases),
      ...more,
    ];
    const { arrived } = await this.#keepClaimed(identity, events);
    const known = { identity, attempt: decision.attempt, endedAs: decision.ends };
    this.#decidedRuns.note(keyOf(identity.project, identity.runId), [known], arrived);
    this.#noteFreshAliases({ identity, arrived }, events);
    // An ID is claimed once it is on disk; hundreds of jobs that start at once need not wait for one another's inserts.
    if (isPlainStart(run, this.#options.clock())) return this.#noteFreshRun(identity, run, events, arrived);
    await this.#writes.arrived(identity.project, identity.runId);
    return this.#record(identity);
  }

  /** An ID under which nothing could be recorded is free again. What is on disk has it for good, read or not. */
  async #keepClaimed(
    identity: RunIdentity,
    events: readonly EventFact[],
  ): Promise<{ arrived: Promise<void> }> {
    try {
      return await this.#writes.keep(identity, { events });
    } catch (error) {
      this.#claims.release(identity.project, identity.runId, identity.origin);
      throw error;
    }
  }

  #noteFreshRun(
    identity: RunIdentity,
    run: NewRun,
    events: readonly EventFact[],
    arrived: Promise<void>,
  ): JobRunRecord {
    const record = newRunRecord(identity, run, events);
    const key = keyOf(identity.project, identity.runId);
    const fresh = { identity, record };
    this.#fresh.set(key, fresh);
    const forget = (): void => {
      if (this.#fresh.get(key) === fresh) this.#fresh.delete(key);
    };
    void arrived.then(forget, forget);
    return record;
  }

  #noteFreshAliases({ identity: { project, runId }, arrived }: Written, events: readonly EventFact[]): void {
    for (const { attributes = {} } of events.filter(({ event }) => event === EVENT.RUN_ALIAS)) {
      const key = keyOf(project, attributes[ATTR.ALIAS] ?? '');
      this.#freshAliases.set(key, { runId, kind: attributes[ATTR.ALIAS_KIND] ?? '' });
      const forget = (): unknown => this.#freshAliases.delete(key);
      void arrived.then(forget, forget);
    }
  }

  /** Start, sign of life and end, as far as the decision and the news go. */
  #courseEvents(
    decision: Extract<Decision, { status: 'apply' }>,
    news: RunNews,
    names: CourseEvents,
    clientId?: string,
    extra: Record<string, string> = {},
  ): EventFact[] {
    const about = { ...(clientId === undefined ? {} : { clientId }), attempt: decision.attempt };
    const told = {
      ...progressAttributes(news),
      ...(news.recovered === true ? { [ATTR.RECOVERED]: 'true' } : {}),
      ...extra,
    };
    const events: EventFact[] = [];
    if (decision.starts)
      events.push({ ...about, event: names.started, atNs: this.#timeNs(news.startedAt), attributes: told });
    if (decision.ends !== null) {
      const atNs = this.#timeNs(news.endedAt);
      if (news.error !== undefined) {
        events.push({ ...about, event: EVENT.FAILURE, atNs, attributes: errorAttributes(news.error) });
      }
      const end = {
        [ATTR.STATUS]: decision.ends,
        ...(news.reason === undefined ? {} : { [ATTR.STATUS_REASON]: news.reason }),
      };
      events.push({
        ...about,
        event: names.ended,
        atNs,
        attributes: { ...told, ...end, ...(news.error === undefined ? {} : errorAttributes(news.error)) },
      });
    } else if (!decision.starts) {
      events.push({ ...about, event: names.heartbeat, atNs: this.#timeNs(undefined), attributes: told });
    }
    return events;
  }

  #rosterEvents(clients: readonly string[] = []): EventFact[] {
    for (const clientId of clients) checkClient(clientId);
    return Array.from({ length: Math.ceil(clients.length / ROSTER_CHUNK) }, (_, chunk) => ({
      event: EVENT.RUN_ROSTER,
      atNs: this.#timeNs(undefined),
      attributes: {
        [ATTR.CLIENTS_EXPECTED]: JSON.stringify(
          clients.slice(chunk * ROSTER_CHUNK, (chunk + 1) * ROSTER_CHUNK),
        ),
      },
    }));
  }

  #aliasEvents(
    aliases: readonly { alias: string; kind?: string | undefined }[] = [],
    clientId?: string,
  ): EventFact[] {
    return aliases.map(({ alias, kind = 'external' }) => ({
      event: EVENT.RUN_ALIAS,
      atNs: this.#timeNs(undefined),
      ...(clientId === undefined ? {} : { clientId }),
      attributes: { [ATTR.ALIAS]: alias, [ATTR.ALIAS_KIND]: kind },
    }));
  }

  #metricFacts(
    attempt: number,
    metrics: MetricInputs = {},
    clientId?: string,
    how: MetricsMode = { mode: 'totals' },
  ): MetricFact[] {
    return Object.entries(metrics).map(([metric, { value, aggregation = 'sum', unit = '' }]) => ({
      metric,
      aggregation,
      unit,
      value,
      attempt,
      atNs: this.#timeNs(undefined),
      ...(clientId === undefined ? {} : { clientId }),
      ...(how.mode === 'increments' ? { incrementKey: how.key ?? newIncrementKey() } : {}),
    }));
  }

  /**
   * One definition of each metric: a name that sums in this run does not become a maximum, even where both are on their
   * way at once.
   */
  async #withAggregations(
    identity: RunIdentity,
    clientId: string,
    metrics: MetricInputs,
    work: () => Promise<Written>,
  ): Promise<Written> {
    const stored = await this.#reads.aggregations(identity, Object.keys(metrics));
    const key = runKey(identity);
    const onTheirWay = this.#aggregations.get(key) ?? new Map<string, Aggregation>();
    const known = new Map([...onTheirWay, ...stored]);
    for (const [metric, { aggregation: wanted = 'sum' }] of Object.entries(metrics)) {
      const aggregation = known.get(metric) ?? wanted;
      if (wanted === aggregation) continue;
      const text = `'${metric}' came as ${wanted}, but is a ${aggregation} in this run`;
      const note = {
        [ATTR.NOTE_CODE]: 'metric_refused',
        [ATTR.NOTE_SUBJECT]: metric,
        [ATTR.NOTE_TEXT]: text,
      };
      const about = clientId === '' ? {} : { clientId };
      await this.#writes.write(identity, {
        events: [{ event: EVENT.NOTE, atNs: this.#timeNs(undefined), ...about, attributes: note }],
      });
      throw new TrackingError('invalid_metric', `${text}. Keep the aggregation, or take another name.`);
    }
    const added = Object.entries(metrics).filter(([metric]) => !onTheirWay.has(metric));
    for (const [metric, { aggregation = 'sum' }] of added) onTheirWay.set(metric, aggregation);
    this.#aggregations.set(key, onTheirWay);
    const forget = (): void => {
      for (const [metric] of added) onTheirWay.delete(metric);
      if (onTheirWay.size === 0 && this.#aggregations.get(key) === onTheirWay) this.#aggregations.delete(key);
    };
    try {
      const written = await work();
      void written.arrived.then(forget, forget);
      return written;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async #write(identity: RunIdentity, facts: Facts): Promise<void> {
    await this.#writes.write(identity, facts);
  }

  /** Puts facts of the first of these runs on disk; from now on they are as they are here. */
  async #keepRun(runs: readonly KnownRun[], facts: Facts): Promise<Written> {
    const [known] = runs;
    if (known === undefined) throw new Error('There is no run to write of.');
    const { identity } = known;
    const { arrived } = await this.#writes.keep(identity, facts);
    this.#decidedRuns.note(keyOf(identity.project, identity.runId), [...runs], arrived);
    return { identity, arrived };
  }

  /** Puts facts of a client on disk; from now on it is in this state. */
  async #keepClient(
    identity: RunIdentity,
    clientId: string,
    state: AttemptState,
    facts: Facts,
  ): Promise<Written> {
    const { arrived } = await this.#writes.keep(identity, facts);
    this.#decidedClients.note(clientKey(identity, clientId), state, arrived);
    return { identity, arrived };
  }

  async #told({ identity, arrived }: Written): Promise<JobRunRecord> {
    await this.#writes.inTime(arrived);
    return this.#record(identity);
  }

  async #toldOfClient({ identity, arrived }: Written, clientId: string): Promise<ClientRunRecord> {
    await this.#writes.inTime(arrived);
    return this.#clientRecord(identity, clientId);
  }

  async #record(identity: RunIdentity): Promise<JobRunRecord> {
    const record = await this.#reads.run(identity);
    if (record === undefined) throw runNotFound(identity.runId);
    return record;
  }

  async #clientRecord(identity: RunIdentity, clientId: string): Promise<ClientRunRecord> {
    const record = await this.#reads.client(identity, clientId);
    if (record === undefined) throw clientNotFound(clientId, identity.runId);
    return record;
  }

  /** The runs that bear this ID, the one that began first first. */
  async #findRuns(project: string, runId: string): Promise<KnownRun[]> {
    await this.#writes.recovered();
    const key = keyOf(project, runId);
    const decided = this.#decidedRuns.get(key);
    if (decided !== undefined) return decided;
    await this.#writes.arrived(project, runId, '');
    return this.#reads.runStates(project, runId);
  }

  /** A client that is only expected has not been met yet. */
  async #findClient(identity: RunIdentity, clientId: string): Promise<AttemptState | null> {
    const decided = this.#decidedClients.get(clientKey(identity, clientId));
    if (decided !== undefined) return decided;
    await this.#writes.arrived(identity.project, identity.runId, clientId);
    return (await this.#reads.clientState(identity, clientId)) ?? null;
  }

  async #parentOf(
    project: string,
    runId: string,
    name: string,
    { standalone, job }: Pick<NewClientRun, 'standalone' | 'job'>,
  ): Promise<RunIdentity> {
    const [known] = await this.#findRuns(project, runId);
    if (known !== undefined) return known.identity;
    await this.#writes.arrived(project, runId);
    const [orphan] = await this.#options.engine.rows<{ job: string; origin: string; standalone: number }>(
      `SELECT max(job_name) AS job, origin, max(client_run_states.standalone) AS standalone FROM client_run_states
       WHERE project_id = {project:String} AND run_id = {runId:String} GROUP BY origin ORDER BY origin LIMIT 1`,
      { project, runId },
    );
    if (orphan !== undefined && (standalone === true || orphan.standalone === 1))
      return { project, runId, job: orphan.job, origin: orphan.origin };
    if (standalone !== true) throw runNotFound(name);
    return { project, runId, job: job ?? '', origin: newTraceId() };
  }

  /** A path may name a run by its ID, with or without a client, by a legacy form, or by an alias. */
  async #resolveRunId(project: string, name: string, mayBeNew = false): Promise<string> {
    if (isValidRunId(name)) return name;
    const [related] = await this.#lookUpAlias(project, name);
    if (related !== undefined) return related;
    const parsed = parseRunId(name);
    if (parsed.status === 'ok') return parsed.runId;
    const converted = convertToStandardFormat(name);
    if (converted.status === 'converted') return converted.runId;
    if (mayBeNew) throw new TrackingError('invalid_run_id', converted.reason);
    throw runNotFound(name);
  }

  async #lookUpAlias(project: string, alias: string, kind = ''): Promise<string[]> {
    const fresh = this.#freshAliases.get(keyOf(project, alias));
    if (fresh !== undefined && (kind === '' ? fresh.kind !== 'idempotency' : fresh.kind === kind))
      return [fresh.runId];
    const rows = await this.#options.engine.rows<{ runId: string }>(
      `SELECT DISTINCT run_id AS runId FROM run_aliases
       WHERE project_id = {project:String} AND alias = {alias:String} AND if({kind:String} = '', kind != 'idempotency', kind = {kind:String})
       ORDER BY run_id`,
      { project, alias, kind },
    );
    return rows.map(({ runId }) => runId);
  }

  async #inTurn<Result>(project: string, name: string, work: () => Promise<Result>): Promise<Result> {
    return this.#lock.run(keyOf(project, name), work);
  }

  /** The given time, or now, later than every time given out before. */
  #timeNs(iso: string | undefined): bigint {
    if (iso !== undefined) return BigInt(Date.parse(iso)) * 1_000_000n;
    const now = BigInt(this.#options.clock()) * 1_000_000n;
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n;
    return this.#lastNs;
  }
}

export type MetricsMode =
  | { readonly mode: 'totals' }
  | { readonly mode: 'increments'; readonly key?: string | undefined };

interface CourseEvents {
  readonly started: EventFact['event'];
  readonly heartbeat: EventFact['event'];
  readonly ended: EventFact['event'];
}

const JOB_EVENTS: CourseEvents = {
  started: EVENT.RUN_STARTED,
  heartbeat: EVENT.RUN_HEARTBEAT,
  ended: EVENT.RUN_ENDED,
};
const CLIENT_EVENTS: CourseEvents = {
  started: EVENT.CLIENT_RUN_STARTED,
  heartbeat: EVENT.CLIENT_RUN_HEARTBEAT,
  ended: EVENT.CLIENT_RUN_ENDED,
};

function keyOf(project: string, name: string): string {
  return JSON.stringify([project, name]);
}

function runKey({ project, runId, origin }: RunIdentity): string {
  return JSON.stringify([project, runId, origin]);
}

function clientKey({ project, runId, origin }: RunIdentity, clientId: string): string {
  return JSON.stringify([project, runId, origin, clientId]);
}

/** Where a client of a run stands in line; no run ID has spaces. */
function clientTurn(runId: string, clientId: string): string {
  return `client ${runId} ${clientId}`;
}

/** The runs as they are after a decision about the first of them. */
function after([first, ...others]: readonly KnownRun[], decision: Decision): KnownRun[] {
  return first === undefined ? [] : [{ ...first, ...stateAfter(first, decision) }, ...others];
}

/** What is known after a decision that was not to refuse. */
function stateAfter(before: AttemptState | null, decision: Decision): AttemptState {
  if (decision.status === 'apply') return { attempt: decision.attempt, endedAs: decision.ends };
  return before ?? { attempt: 1, endedAs: null };
}

function accepted(decision: Decision): Exclude<Decision, { status: 'refused' }> {
  if (decision.status === 'refused') throw new TrackingError(decision.code, decision.detail);
  return decision;
}

function endOf(status: RunNews['status']): DeclaredStatus | null {
  return status === undefined || status === 'running' ? null : status;
}

function hasNews({ progress, reason, error }: RunNews): boolean {
  return progress !== undefined || reason !== undefined || error !== undefined;
}

function progressAttributes({ progress }: RunNews): Record<string, string> {
  if (progress === undefined) return {};
  return {
    [ATTR.PROGRESS_DONE]: String(progress.done),
    ...(progress.total === undefined ? {} : { [ATTR.PROGRESS_TOTAL]: String(progress.total) }),
  };
}

function errorAttributes({
  type,
  message,
  stacktrace,
}: NonNullable<RunNews['error']>): Record<string, string> {
  return {
    [ATTR.EXCEPTION_TYPE]: type,
    [ATTR.EXCEPTION_MESSAGE]: message,
    ...(stacktrace === undefined ? {} : { [ATTR.EXCEPTION_STACKTRACE]: stacktrace }),
  };
}

function checkClient(clientId: string): void {
  const checked = checkClientId(clientId);
  if (checked.status === 'refused') throw new TrackingError('invalid_client_id', checked.reason);
}

function runNotFound(name: string): TrackingError {
  return new TrackingError(
    'run_not_found',
    `There is no run '${name}' in this project. Create it with POST /api/v1/runs.`,
  );
}

function clientNotFound(clientId: string, runId: string): TrackingError {
  return new TrackingError(
    'client_run_not_found',
    `There is no client run of '${clientId}' in run ${runId}. Create it with PUT.`,
  );
}

function newTraceId(): string {
  return randomBytes(16).toString('hex');
}
