/** Keeps the records of job runs and client runs: create, update, complete, read, relate. */
import type { Verdict } from '@rollcall/semconv';
import {
  checkFields,
  checkIsObject,
  readJobType,
  readStatus,
  readSubject,
  readTime,
  type Subject,
} from './arguments.ts';
import { TrackingError } from './errors.ts';
import type { MetricValues } from './metric-values.ts';
import type { ClientRunRecord, JobRunRecord, JobRunSummary, Page, Tracked } from './records.ts';
import type { CallOptions, ServiceCore } from './service-core.ts';

/** `running`, or how it ended; also as `Running`, `Timed Out`, … */
export type StatusText = string;

interface Course {
  status?: StatusText;
  /** Why it was skipped, cancelled or timed out. */
  reason?: string;
  error?: { type: string; message: string; stacktrace?: string };
  /** The n-th try; going on after the end needs the next one. */
  attempt?: number;
  endedAt?: Date | string;
  /** Current totals. */
  metrics?: MetricValues;
}

export interface NewJobRun extends CallOptions, Course {
  /** The job's name. */
  jobType: string;
  /** Where it is known; else ingest claims the next free one. A client's suffix is taken off, a legacy form is converted and kept as an alias. */
  runId?: string;
  startedAt?: Date | string;
  expectedClients?: readonly string[];
  /** How often the program promises a sign of life; without it a silent run is lost after a day. */
  heartbeatIntervalMs?: number;
  /** Trace ID of the run, 32 hex digits. */
  origin?: string;
  /** `refuse`: not while another run of the job is running; the call throws `overlap_refused`. */
  overlap?: 'refuse';
  /** IDs that other systems know the run by. */
  aliases?: readonly string[];
}

export interface JobRunUpdates extends Course {
  progress?: { done: number; total?: number };
  expectedClients?: readonly string[];
  /** A mere sign of life. */
  heartbeat?: true;
}

export interface ClientRunUpdates extends Course {
  progress?: { done: number; total?: number };
  heartbeat?: true;
}

export interface NewClientRunData extends Course {
  startedAt?: Date | string;
  /** It has no job run and is meant to have none. Needs `jobType`. */
  standalone?: boolean;
}

export interface RunQuery extends CallOptions {
  jobType?: string;
  verdict?: Verdict;
  from?: Date | string;
  to?: Date | string;
  /** 1 to 500, default 50. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

type Of<Extra = unknown> = CallOptions & { runId: string; jobType?: string } & Extra;
type OfClient<Extra = unknown> = Of<{ clientId: string } & Extra>;

const COURSE = ['status', 'reason', 'error', 'attempt', 'endedAt', 'metrics'];
const CALL = ['runId', 'signal', 'jobType'];

/** All methods take one object, await durable acceptance and return the stored record. */
export interface JobTrackingRepository {
  /** Creates a job run, and claims its ID where none is given. The same again returns the same record. */
  createJobTrackingRecord(run: NewJobRun): Promise<Tracked<JobRunRecord>>;
  /** Changes a job run. One that is not there is made, marked recovered, if its job is known. */
  updateJobTrackingRecord(given: Of<{ updates: JobRunUpdates }>): Promise<Tracked<JobRunRecord>>;
  /** Ends a job run. The first end stands: another one comes back as `trackingError`. */
  completeJobTrackingRecord(given: Of<Course>): Promise<Tracked<JobRunRecord>>;
  /** Creates a client run. Its job run must be there, or its job be known, or the client run be standalone. */
  createClientRunRecord(
    given: OfClient<{ initialData?: NewClientRunData }>,
  ): Promise<Tracked<ClientRunRecord>>;
  updateClientRunRecord(given: OfClient<{ updates: ClientRunUpdates }>): Promise<Tracked<ClientRunRecord>>;
  completeClientRunRecord(given: OfClient<Course>): Promise<Tracked<ClientRunRecord>>;
  /** A job run by any of its names; null where there is none. */
  getJobTrackingRecord(given: Of): Promise<Tracked<JobRunRecord> | null>;
  getClientRunRecord(given: OfClient): Promise<Tracked<ClientRunRecord> | null>;
  listJobTrackingRecords(query?: RunQuery): Promise<Page<JobRunSummary>>;
  listClientRunRecords(
    given: Of<{ verdict?: Verdict; limit?: number; cursor?: string }>,
  ): Promise<Page<ClientRunRecord>>;
  /** Makes a run, or one of its clients, findable by the ID that another system gave it. */
  relateForeignId(given: Of<{ clientId?: string; foreignId: string }>): Promise<Tracked<JobRunRecord>>;
}

export function createJobTrackingRepository(core: ServiceCore): JobTrackingRepository {
  return {
    createJobTrackingRecord: async (run) => core.track(async () => createJob(core, run)),
    updateJobTrackingRecord: async (given) => core.track(async () => updateJob(core, given)),
    completeJobTrackingRecord: async (given) =>
      core.track(async () => {
        const name = 'completeJobTrackingRecord';
        const subject = readSubject(name, given);
        checkFields(name, given, [...CALL, ...COURSE], subject);
        return end<JobRunRecord>(core, name, { ...subject, clientId: null }, given, given);
      }),
    createClientRunRecord: async (given) => core.track(async () => createClient(core, given)),
    updateClientRunRecord: async (given) => core.track(async () => updateClient(core, given)),
    completeClientRunRecord: async (given) =>
      core.track(async () => {
        const name = 'completeClientRunRecord';
        const subject = readClientSubject(name, given);
        checkFields(name, given, [...CALL, 'clientId', ...COURSE], subject);
        return end<ClientRunRecord>(core, name, subject, given, given);
      }),
    getJobTrackingRecord: async (given) =>
      get<JobRunRecord>(
        core,
        () => readSubject('getJobTrackingRecord', { runId: runIdOf('getJobTrackingRecord', given) }),
        given,
      ),
    getClientRunRecord: async (given) =>
      get<ClientRunRecord>(core, () => readClientSubject('getClientRunRecord', given), given),
    listJobTrackingRecords: async (query = {}) => listJobs(core, query),
    listClientRunRecords: async (given) => listClients(core, given),
    relateForeignId: async (given) => core.track(async () => relate(core, given)),
  };
}

async function createJob(core: ServiceCore, run: NewJobRun): Promise<Tracked<JobRunRecord>> {
  const name = 'createJobTrackingRecord';
  checkIsObject(name, run);
  const fields = ['startedAt', 'expectedClients', 'heartbeatIntervalMs', 'origin', 'aliases', 'overlap'];
  checkFields(name, run, [...CALL, ...COURSE, ...fields], {});
  const job = readJobType(name, run.jobType);
  const { runId } = run.runId === undefined ? { runId: null } : readSubject(name, { runId: run.runId });
  const subject = runId === null ? {} : { runId };
  const { expectedClients, heartbeatIntervalMs, origin, aliases, overlap } = run;
  const body = defined({
    job,
    runId: runId ?? undefined,
    ...courseBody(run, subject),
    startedAt: timeOf('startedAt', run.startedAt, subject),
    endedAt: timeOf('endedAt', run.endedAt, subject),
    expectedClients,
    heartbeatIntervalMs,
    origin,
    overlap,
    aliases: aliases?.map((alias) => ({ alias })),
  });
  const call = { method: 'POST', action: 'create', runId, clientId: null, job, body } as const;
  const created = await core.send<JobRunRecord>(call, run);
  if (run.metrics === undefined) return created;
  return core.sendMetrics({ action: 'metrics', runId: created.runId, clientId: null, job }, run.metrics, run);
}

async function updateJob(
  core: ServiceCore,
  given: Of<{ updates: JobRunUpdates }>,
): Promise<Tracked<JobRunRecord>> {
  const name = 'updateJobTrackingRecord';
  const { runId } = readSubject(name, given);
  checkFields(name, given, [...CALL, 'updates'], { runId });
  const fields = ['progress', 'expectedClients', 'heartbeat'];
  checkFields(`${name}'s updates`, given.updates, [...COURSE, ...fields], { runId });
  const { progress, expectedClients, heartbeat } = given.updates;
  const job = jobOf(core, name, runId, given.jobType);
  const more = { progress, expectedClients, heartbeat, ...(job === undefined ? {} : { upsert: { job } }) };
  return update<JobRunRecord>(core, name, { runId, clientId: null }, given, given.updates, more);
}

async function createClient(
  core: ServiceCore,
  given: OfClient<{ initialData?: NewClientRunData }>,
): Promise<Tracked<ClientRunRecord>> {
  const name = 'createClientRunRecord';
  const subject = readClientSubject(name, given);
  const { initialData = {}, jobType } = given;
  checkFields(name, given, [...CALL, 'clientId', 'initialData'], subject);
  checkFields(`${name}'s initialData`, initialData, [...COURSE, 'startedAt', 'standalone'], subject);
  const job = jobType === undefined ? undefined : readJobType(name, jobType);
  const { standalone, startedAt, endedAt } = initialData;
  if (standalone === true && job === undefined) {
    const message = 'A standalone client run needs jobType: it has no job run to take it from.';
    throw new TrackingError('invalid_request', message, { recovery: 'Nothing was sent.', ...subject });
  }
  const body = defined({
    ...courseBody(initialData, subject),
    startedAt: timeOf('startedAt', startedAt, subject),
    endedAt: timeOf('endedAt', endedAt, subject),
    standalone,
    job: standalone === true ? job : undefined,
  });
  const call = { method: 'PUT', action: '', ...subject, job, body } as const;
  const created = await core.send<ClientRunRecord>(call, given);
  if (initialData.metrics === undefined) return created;
  return core.sendMetrics({ action: 'metrics', ...subject, job }, initialData.metrics, given);
}

async function updateClient(
  core: ServiceCore,
  given: OfClient<{ updates: ClientRunUpdates }>,
): Promise<Tracked<ClientRunRecord>> {
  const name = 'updateClientRunRecord';
  const subject = readClientSubject(name, given);
  checkFields(name, given, [...CALL, 'clientId', 'updates'], subject);
  checkFields(`${name}'s updates`, given.updates, [...COURSE, 'progress', 'heartbeat'], subject);
  const { progress, heartbeat } = given.updates;
  return update<ClientRunRecord>(core, name, subject, given, given.updates, {
    progress,
    heartbeat,
    upsert: true,
  });
}

/** Numbers first, so that the end finds them there; an end by its own path, since only that knows its time. */
async function update<Kept extends JobRunRecord | ClientRunRecord>(
  core: ServiceCore,
  name: string,
  subject: Subject,
  given: CallOptions & { jobType?: string },
  updates: Course,
  more: { progress?: unknown; heartbeat?: unknown; expectedClients?: unknown; upsert?: unknown },
): Promise<Tracked<Kept>> {
  const status = updates.status === undefined ? undefined : readStatus(updates.status, subject);
  const isEnd = (status !== undefined && status !== 'running') || updates.endedAt !== undefined;
  if (!isEnd) {
    const job = given.jobType;
    const body = defined({ ...courseBody(updates, subject), ...more });
    const patched = await core.send<Kept>({ method: 'PATCH', action: '', ...subject, job, body }, given);
    if (updates.metrics === undefined) return patched;
    return core.sendMetrics<Kept>({ action: 'metrics', ...subject, job }, updates.metrics, given);
  }
  const { progress, expectedClients } = more;
  if (progress !== undefined || expectedClients !== undefined) {
    const body = defined({ progress, expectedClients, upsert: more.upsert, attempt: updates.attempt });
    await core.send<Kept>({ method: 'PATCH', action: '', ...subject, job: given.jobType, body }, given);
  }
  return end<Kept>(core, name, subject, updates, given);
}

async function end<Kept extends JobRunRecord | ClientRunRecord>(
  core: ServiceCore,
  name: string,
  subject: Subject,
  course: Course,
  given: CallOptions & { jobType?: string },
): Promise<Tracked<Kept>> {
  const job = given.jobType === undefined ? undefined : readJobType(name, given.jobType);
  const status = course.status === undefined ? 'completed' : readStatus(course.status, subject);
  if (status === 'running') {
    const message = `${name} ends a run; 'running' is no end. Leave out endedAt, or say how it ended.`;
    throw new TrackingError('invalid_request', message, { recovery: 'Nothing was sent.', ...subject });
  }
  const endedAt = timeOf('endedAt', course.endedAt, subject);
  const body = defined({ ...courseBody(course, subject), status, endedAt });
  const refused =
    course.metrics === undefined
      ? []
      : (await core.sendMetrics<Kept>({ action: 'metrics', ...subject, job }, course.metrics, given)).refused;
  return core.send<Kept>({ method: 'POST', action: 'complete', ...subject, job, body }, given, refused);
}

async function relate(
  core: ServiceCore,
  given: Of<{ clientId?: string; foreignId: string }>,
): Promise<Tracked<JobRunRecord>> {
  const name = 'relateForeignId';
  const { runId, clientId } = readSubject(name, given);
  checkFields(name, given, [...CALL, 'clientId', 'foreignId'], { runId, clientId });
  const { foreignId } = given;
  if (typeof foreignId !== 'string' || foreignId.trim() === '') {
    const message = 'relateForeignId needs foreignId, the ID that the other system gave, as a text.';
    throw new TrackingError('invalid_request', message, { recovery: 'Nothing was sent.', runId, clientId });
  }
  const body = defined({ alias: foreignId, clientId: clientId ?? undefined });
  const call = {
    method: 'POST',
    action: 'aliases',
    runId,
    clientId: null,
    job: given.jobType,
    body,
  } as const;
  return core.send<JobRunRecord>(call, given);
}

async function get<Kept>(
  core: ServiceCore,
  read: () => Subject,
  given: CallOptions,
): Promise<Tracked<Kept> | null> {
  let isThere = true;
  const record = await core.track<Kept>(async () => {
    const subject = read();
    const found = await core.read<Kept>(core.tracker.pathOf(subject.runId, subject.clientId), subject, given);
    isThere = found !== null;
    return found as Tracked<Kept>;
  });
  return isThere ? record : null;
}

async function listJobs(core: ServiceCore, query: RunQuery): Promise<Page<JobRunSummary>> {
  return core.page<JobRunSummary>('runs', async () => {
    checkFields(
      'listJobTrackingRecords',
      query,
      ['jobType', 'verdict', 'from', 'to', 'limit', 'cursor', 'signal'],
      {},
    );
    const { jobType: job, verdict, from, to, limit, cursor, signal } = query;
    const times = { from: timeOf('from', from, {}), to: timeOf('to', to, {}) };
    return { path: `/api/v1/runs${search({ job, verdict, ...times, limit, cursor })}`, signal };
  });
}

async function listClients(
  core: ServiceCore,
  given: Of<{ verdict?: Verdict; limit?: number; cursor?: string }>,
): Promise<Page<ClientRunRecord>> {
  return core.page<ClientRunRecord>('clients', async () => {
    const { runId } = readSubject('listClientRunRecords', given);
    checkFields('listClientRunRecords', given, [...CALL, 'verdict', 'limit', 'cursor'], { runId });
    const { verdict, limit, cursor, signal } = given;
    const path = `${core.tracker.pathOf(runId, null)}/clients${search({ verdict, limit, cursor })}`;
    return { path, signal };
  });
}

function readClientSubject(
  name: string,
  given: { runId: unknown; clientId: unknown },
): Subject & { clientId: string } {
  checkIsObject(name, given);
  const { runId, clientId } = readSubject(name, { runId: given.runId, clientId: given.clientId ?? null });
  return { runId, clientId: clientId ?? '' };
}

function runIdOf(name: string, given: unknown): unknown {
  checkIsObject(name, given);
  return given['runId'];
}

/** The part of a body that a job run and a client run share. */
function courseBody(
  { status, reason, error, attempt }: Course,
  subject: Partial<Subject>,
): Record<string, unknown> {
  return { status: status === undefined ? undefined : readStatus(status, subject), reason, error, attempt };
}

function timeOf(
  field: string,
  time: Date | string | undefined,
  subject: Partial<Subject>,
): string | undefined {
  return time === undefined ? undefined : readTime(field, time, subject);
}

function jobOf(core: ServiceCore, name: string, runId: string, jobType: unknown): string | undefined {
  return jobType === undefined ? core.tracker.jobOf(runId) : readJobType(name, jobType);
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function search(fields: Record<string, unknown>): string {
  const given = Object.entries(defined(fields)).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
