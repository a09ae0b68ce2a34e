/** Works out what a fortnight of batch work consists of, run by run and client by client: pure, and the same every time. */

import { createHash } from 'node:crypto';

interface PlannedEvent {
  readonly at_ms: number;
  readonly name: string;
  readonly attributes: Record<string, string>;
}

/** A try of a client run; where `client_id` is empty, a job run. */
export interface PlannedRun {
  readonly job: string;
  readonly run_id: string;
  readonly origin: string;
  readonly client_id: string;
  readonly attempt: number;
  readonly started_ms: number;
  /** 0 where it never ended. */
  readonly ended_ms: number;
  readonly status: string;
  readonly error_type: string;
  readonly error_message: string;
  readonly events: readonly PlannedEvent[];
  readonly metrics: readonly { readonly name: string; readonly unit: string; readonly value: number }[];
}

/** When a job is due, from its last start on. */
export interface Dues {
  readonly job: string;
  readonly expression: string;
  readonly everyMs: number;
  readonly lateAfterMs: number;
  readonly dueMs: readonly number[];
}

/** The ten faults, and the job that each is planted in. No job has two. */
export const FAULTS = {
  stopped: 'crm_sync',
  clientFailing: 'lead_scoring',
  leak: 'churn_model',
  halved: 'profile_harvest',
  newError: 'billing',
  lost: 'stock_sync',
  late: 'price_update',
  gap: 'usage_report',
  orphan: 'webhook_import',
  retryStorm: 'enrichment',
} as const;

/** What the planted faults are about, beside their jobs. */
export const PLANTED = {
  failingClient: 'client-262',
  failingError: 'the key of client-262 was revoked',
  halvedMetric: 'Leads Processed',
  newErrorType: 'SchemaError',
  missingEvents: 25,
  orphanClient: 'client-042',
  stormClient: 'client-040',
  stormAttempts: 40,
} as const;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

interface JobPlan {
  readonly job: string;
  readonly everyMs: number;
  readonly lengthMs: number;
  /** How long ago its latest run began: so that the next one is not due for half an hour at least. */
  readonly latestAgoMs: number;
  readonly clients: readonly string[];
  readonly isRunning: boolean;
  readonly index: number;
}

const JOBS = {
  hourly: ['inbox_sync', 'webhook_import', 'crm_sync', 'price_update', 'token_refresh', 'feed_harvest'],
  sixHourly: [
    'lead_scoring',
    'post_scoring',
    'profile_harvest',
    'email_digest',
    'stock_sync',
    'ad_spend_sync',
  ],
  daily: [
    'billing',
    'invoice_export',
    'churn_model',
    'usage_report',
    'enrichment',
    'backup_check',
    'data_cleanup',
    'partner_export',
  ],
};
/** Their latest run is still going on. */
export const RUNNING = ['token_refresh', 'feed_harvest'];

interface PlanOptions {
  readonly project: string;
  readonly hasFaults: boolean;
  readonly size: 'small' | 'full';
  readonly nowMs: number;
}

/** What a test says of a run that it makes up. */
export interface GivenRun {
  readonly job: string;
  readonly startMs: number;
  /** Left out, the run goes on; it promises a sign of life once an hour. */
  readonly endMs?: number;
  readonly status?: string;
  readonly error?: { readonly type: string; readonly message: string };
  /** Events that were numbered, and never arrived. */
  readonly missingEvents?: number;
  /** Clients by their declared status. */
  readonly clients?: Readonly<Record<string, string>>;
}

/** A run without steps of its own, for tests of one thing. */
export function planGivenRun({
  job,
  startMs,
  endMs = 0,
  status = 'completed',
  error,
  clients = {},
  missingEvents = 0,
}: GivenRun): PlannedRun[] {
  const run_id = runIdOf(startMs);
  const origin = createHash('md5').update(`${job} ${run_id}`).digest('hex');
  let sequence = 0;
  const event = (at_ms: number, name: string, attributes: Record<string, string>): PlannedEvent => ({
    at_ms,
    name: `rollcall.${name}`,
    attributes: { 'rollcall.event.sequence': String(++sequence), 'rollcall.attempt': '1', ...attributes },
  });
  const common = { job, run_id, origin, attempt: 1, started_ms: startMs, ended_ms: endMs, metrics: [] };
  const exception =
    error === undefined ? {} : { 'exception.type': error.type, 'exception.message': error.message };
  const started = event(startMs, 'run.started', { 'rollcall.heartbeat.interval_ms': String(HOUR_MS) });
  const handled = Object.entries(clients).map(([client_id, declared]): PlannedRun => {
    const thrown =
      declared === 'failed' ? { 'exception.type': 'Error', 'exception.message': 'no answer' } : {};
    return {
      ...common,
      client_id,
      status: declared,
      error_type: thrown['exception.type'] ?? '',
      error_message: thrown['exception.message'] ?? '',
      events: [
        event(startMs + 1, 'client_run.started', {}),
        event(endMs, 'client_run.ended', { ...thrown, 'rollcall.status': declared }),
      ],
    };
  });
  sequence += missingEvents;
  const ended = endMs === 0 ? [] : [event(endMs, 'run.ended', { ...exception, 'rollcall.status': status })];
  const own = {
    ...common,
    client_id: '',
    status,
    error_type: error?.type ?? '',
    error_message: error?.message ?? '',
  };
  return [...handled, { ...own, events: [started, ...ended] }];
}

export function planFortnight({ project, hasFaults, size, nowMs }: PlanOptions): {
  runs: Iterable<PlannedRun>;
  dues: readonly Dues[];
} {
  const now = Math.floor(nowMs / 1000) * 1000;
  const plans = jobPlans(size);
  const schedule = plans.map((plan) => ({ plan, starts: startsOf(plan, now, hasFaults) }));
  return {
    runs: (function* () {
      for (const { plan, starts } of schedule) {
        for (const [number, startMs] of starts.entries()) {
          yield* planRun({ project, plan, startMs, number, runs: starts.length, now, hasFaults, size });
        }
      }
      if (hasFaults) yield orphan(project, now);
    })(),
    dues: schedule.map(({ plan, starts }) => duesOf(plan, starts.at(-1) ?? now, now)),
  };
}

function jobPlans(size: 'small' | 'full'): JobPlan[] {
  const clients =
    size === 'full' ? { hourly: 60, sixHourly: 150, daily: 300 } : { hourly: 8, sixHourly: 15, daily: 30 };
  const kinds = [
    ['hourly', HOUR_MS, 5 * MINUTE_MS, 12 * MINUTE_MS, 3 * MINUTE_MS],
    ['sixHourly', 6 * HOUR_MS, 20 * MINUTE_MS, HOUR_MS, 25 * MINUTE_MS],
    ['daily', DAY_MS, 45 * MINUTE_MS, 3 * HOUR_MS, 2 * HOUR_MS],
  ] as const;
  let index = 0;
  return kinds.flatMap(([kind, everyMs, lengthMs, agoMs, stepMs]) =>
    JOBS[kind].map((job, place): JobPlan => {
      const isRunning = RUNNING.includes(job);
      index++;
      return {
        job,
        everyMs,
        lengthMs: isRunning ? 40 * MINUTE_MS : lengthMs + place * MINUTE_MS,
        latestAgoMs: isRunning ? 6 * MINUTE_MS : agoMs + place * stepMs,
        clients: Array.from({ length: clients[kind] }, (_, at) => clientName((index * 37 + at) % 300)),
        isRunning,
        index,
      };
    }),
  );
}

function clientName(number: number): string {
  return `client-${String(number).padStart(3, '0')}`;
}

function startsOf(plan: JobPlan, now: number, hasFaults: boolean): number[] {
  const count = Math.floor((14 * DAY_MS) / plan.everyMs);
  const latest = now - plan.latestAgoMs + plan.index * 1000;
  const starts = Array.from({ length: count }, (_, back) => latest - back * plan.everyMs).toReversed();
  if (hasFaults && plan.job === FAULTS.stopped) return starts.filter((start) => start < now - 3 * DAY_MS);
  return hasFaults && plan.job === FAULTS.late ? starts.slice(0, -1) : starts;
}

function duesOf({ job, everyMs }: JobPlan, lastStartMs: number, now: number): Dues {
  const lateAfterMs = 5 * MINUTE_MS;
  const dueMs: number[] = [];
  for (let due = lastStartMs + everyMs; dueMs.length === 0 || due <= now + 2 * DAY_MS; due += everyMs)
    dueMs.push(due);
  return { job, expression: `every ${everyMs / HOUR_MS} h`, everyMs, lateAfterMs, dueMs };
}

interface RunSpot {
  readonly project: string;
  readonly plan: JobPlan;
  readonly startMs: number;
  /** From 0; the newest has the highest. */
  readonly number: number;
  readonly runs: number;
  readonly now: number;
  readonly hasFaults: boolean;
  readonly size: 'small' | 'full';
}

function* planRun(spot: RunSpot): Generator<PlannedRun> {
  const { plan, startMs, number, runs, now } = spot;
  const isLatest = number === runs - 1;
  const fault = spot.hasFaults ? plan.job : '';
  const isLost = fault === FAULTS.lost && isLatest;
  const isRunning = plan.isRunning && isLatest;
  const slower = fault === FAULTS.leak ? 1 + (2 * number) / runs : 1;
  const lengthMs = Math.round(plan.lengthMs * slower * (0.9 + 0.2 * noise(plan.job, number)));
  const endMs = startMs + lengthMs;
  const run_id = runIdOf(startMs);
  const origin = createHash('md5').update(`${spot.project} ${run_id}`).digest('hex');
  // One sequence of numbers for all events of the run: it has one process.
  let sequence = 0;
  const event = (at_ms: number, name: string, attributes: Record<string, string> = {}): PlannedEvent => ({
    at_ms: Math.round(at_ms),
    name: `rollcall.${name}`,
    attributes: { 'rollcall.event.sequence': String(++sequence), ...attributes },
  });
  const jobEvents = [
    event(startMs, 'run.started', {
      'rollcall.heartbeat.interval_ms': isRunning ? String(HOUR_MS) : '5000',
      'rollcall.schedule.kind': 'interval',
      'rollcall.schedule.every_ms': String(plan.everyMs),
      'rollcall.schedule.late_after_ms': String(5 * MINUTE_MS),
    }),
    event(startMs + 1, 'run.roster', { 'rollcall.clients.expected': JSON.stringify(plan.clients) }),
  ];
  // A lost run and one that goes on have only come so far.
  const untilMs = isRunning ? now : isLost ? startMs + lengthMs * 0.6 : endMs;
  const share = (lengthMs - 2000) / plan.clients.length;
  for (const [place, client] of plan.clients.entries()) {
    const beganMs = Math.round(startMs + 500 + place * share);
    if (beganMs >= untilMs) break;
    yield* planClient({
      ...spot,
      run_id,
      origin,
      event,
      client,
      place,
      beganMs,
      doneMs: Math.round(beganMs + share * 0.9),
      untilMs,
      fault,
    });
  }
  if (isRunning || isLost) {
    const done = Math.floor((untilMs - startMs) / share);
    jobEvents.push(
      event(untilMs - 1000, 'run.heartbeat', {
        'rollcall.progress.done': String(done),
        'rollcall.progress.total': String(plan.clients.length),
      }),
    );
  } else {
    if (fault === FAULTS.gap && isLatest) sequence += PLANTED.missingEvents;
    jobEvents.push(event(endMs, 'run.ended', { 'rollcall.status': 'completed' }));
  }
  yield {
    job: plan.job,
    run_id,
    origin,
    client_id: '',
    attempt: 1,
    started_ms: startMs,
    ended_ms: isRunning || isLost ? 0 : endMs,
    status: isRunning || isLost ? '' : 'completed',
    error_type: '',
    error_message: '',
    events: jobEvents,
    metrics: [],
  };
}

interface ClientSpot extends RunSpot {
  readonly run_id: string;
  readonly origin: string;
  readonly event: (atMs: number, name: string, attributes?: Record<string, string>) => PlannedEvent;
  readonly client: string;
  readonly place: number;
  readonly beganMs: number;
  readonly doneMs: number;
  readonly untilMs: number;
  readonly fault: string;
}

interface Outcome {
  readonly status: string;
  readonly type?: string;
  readonly message?: string;
}

function* planClient(spot: ClientSpot): Generator<PlannedRun> {
  const { number, runs, place, client, fault, untilMs } = spot;
  const isLatest = number === runs - 1;
  // Now and then an expected client never answers.
  if (number % 31 === 17 && place === 2 && !isLatest) return;
  const isOpen = spot.doneMs > untilMs;
  if (fault === FAULTS.retryStorm && isLatest && client === PLANTED.stormClient) {
    const tryMs = (spot.doneMs - spot.beganMs) / PLANTED.stormAttempts;
    for (let attempt = 1; attempt <= PLANTED.stormAttempts; attempt++) {
      const outcome: Outcome =
        attempt === PLANTED.stormAttempts
          ? { status: 'completed' }
          : {
              status: 'failed',
              type: 'RateLimitError',
              message: `429 from the API, retry after ${attempt} s`,
            };
      const beganMs = Math.round(spot.beganMs + (attempt - 1) * tryMs);
      yield tryOf({ ...spot, beganMs, doneMs: Math.round(beganMs + tryMs * 0.8) }, attempt, outcome);
    }
    return;
  }
  yield tryOf(spot, 1, isOpen ? undefined : outcomeOf(spot));
}

function outcomeOf({ plan, number, runs, place, client, fault, startMs, now }: ClientSpot): Outcome {
  const isLatest = number === runs - 1;
  if (fault === FAULTS.clientFailing && client === PLANTED.failingClient && startMs >= lastTuesday(now))
    return { status: 'failed', type: 'AuthError', message: PLANTED.failingError };
  if (fault === FAULTS.newError && isLatest && place >= 3 && place < 6)
    return {
      status: 'failed',
      type: PLANTED.newErrorType,
      message: `unexpected field 'vat_id' in row ${place}`,
    };
  // What fails now and then, never the same client twice in a row; known since the first runs.
  if ((number < 2 || number % 5 === 0) && place === number % plan.clients.length && !isLatest) {
    return number % 2 === 0
      ? { status: 'failed', type: 'TimeoutError', message: `no answer after ${1000 + number} ms` }
      : { status: 'failed', type: 'RateLimitError', message: `429 from the API, retry after ${number} s` };
  }
  return { status: noise(plan.job, number, client) < 0.05 ? 'nothing_to_do' : 'completed' };
}

/** An outcome that is not there yet leaves the client run open. */
function tryOf(spot: ClientSpot, attempt: number, outcome: Outcome | undefined): PlannedRun {
  const { plan, number, runs, client, event, beganMs, doneMs, fault } = spot;
  const { status = '', type = '', message = '' } = outcome ?? {};
  const tried = { 'rollcall.attempt': String(attempt) };
  const halved = fault === FAULTS.halved && number >= runs - 8 ? 0.5 : 1;
  const amount = (name: string, usual: number): number =>
    Math.round(usual * (0.9 + 0.2 * noise(plan.job, number, client, name)));
  const metrics =
    status === 'completed'
      ? [
          {
            name: 'Leads Processed',
            unit: '{lead}',
            value: Math.round(amount('leads', 40 + plan.index) * halved),
          },
          { name: 'Total Tokens', unit: '{token}', value: amount('tokens', 9_000 + 100 * plan.index) },
          ...(spot.size === 'full'
            ? [{ name: 'Posts Processed', unit: '{post}', value: amount('posts', 120) }]
            : []),
        ]
      : [];
  const exception = type === '' ? {} : { 'exception.type': type, 'exception.message': message };
  const events = [event(beganMs, 'client_run.started', tried)];
  if (type !== '')
    events.push(
      event(doneMs - 1, 'failure', {
        ...tried,
        ...exception,
        'rollcall.step.name': 'fetch',
        'exception.stacktrace': `${type}: ${message}\n    at fetchLeads (file:///app/src/fetch.ts:41:11)`,
      }),
    );
  if (status !== '')
    events.push(
      event(doneMs, 'client_run.ended', {
        ...tried,
        ...exception,
        'rollcall.status': status,
        'rollcall.metric.series': String(metrics.length),
        ...(status === 'nothing_to_do' ? { 'rollcall.status.reason': 'no new leads' } : {}),
      }),
    );
  return {
    job: plan.job,
    run_id: spot.run_id,
    origin: spot.origin,
    client_id: client,
    attempt,
    started_ms: beganMs,
    ended_ms: status === '' ? 0 : doneMs,
    status,
    error_type: type,
    error_message: message,
    events,
    metrics,
  };
}

/** A client run of a job run that nobody has heard of. */
function orphan(project: string, now: number): PlannedRun {
  const startMs = now - 5 * HOUR_MS + 29_000;
  const run_id = runIdOf(startMs);
  const origin = createHash('md5').update(`${project} ${run_id}`).digest('hex');
  const tried = { 'rollcall.attempt': '1' };
  return {
    job: FAULTS.orphan,
    run_id,
    origin,
    client_id: PLANTED.orphanClient,
    attempt: 1,
    started_ms: startMs,
    ended_ms: startMs + MINUTE_MS,
    status: 'completed',
    error_type: '',
    error_message: '',
    events: [
      {
        at_ms: startMs,
        name: 'rollcall.client_run.started',
        attributes: { ...tried, 'rollcall.event.sequence': '1' },
      },
      {
        at_ms: startMs + MINUTE_MS,
        name: 'rollcall.client_run.ended',
        attributes: { ...tried, 'rollcall.event.sequence': '2', 'rollcall.status': 'completed' },
      },
    ],
    metrics: [],
  };
}

/** The start of the latest Tuesday, UTC, that is more than a day and a half ago. */
export function lastTuesday(now: number): number {
  const day = new Date(now - 1.5 * DAY_MS);
  day.setUTCHours(0, 0, 0, 0);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 5) % 7));
  return day.getTime();
}

function runIdOf(ms: number): string {
  return new Date(ms)
    .toISOString()
    .replace(/^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d).*$/, '$1$2$3-$4$5$6');
}

/** A number from 0 to 1 that belongs to these words: the same every time (FNV-1a, then mixed). */
function noise(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5;
  for (const letter of words.join(' ')) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32;
}
