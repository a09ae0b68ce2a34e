/** A small real server with the REST contract of ingest, and ways to make it fail. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { baseRunId, convertToStandardFormat, generateRunId, nextRunId } from '@rollcall/semconv';

type Fields = Record<string, unknown>;

interface Metric {
  aggregation: string;
  unit: string;
  value: number;
}

interface Course {
  attempt: number;
  status: string;
  fields: Fields;
  metrics: Map<string, Metric>;
}

interface Run extends Course {
  runId: string;
  job: string;
  origin: string;
  clients: Map<string, Course>;
  aliases: { alias: string; clientId: string | null; kind: string }[];
}

export interface ReceivedCall {
  method: string;
  path: string;
  body: Fields;
  key: string | undefined;
  /** What was answered; undefined while nothing is. */
  status: number | undefined;
}

class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly extra: Fields;

  constructor(status: number, code: string, extra: Fields = {}) {
    super(`It is ${code}`);
    this.status = status;
    this.code = code;
    this.extra = extra;
  }
}

/** What to do with a request in place of the contract; `store` obeys the contract first, like a lost answer. */
export type Fault = {
  status: number;
  headers?: Record<string, string>;
  store?: boolean;
  hang?: boolean;
  text?: string;
};

export class TrackingApi implements AsyncDisposable {
  readonly runs = new Map<string, Run>();
  readonly calls: ReceivedCall[] = [];
  readonly notes: Fields[] = [];
  fault: (call: ReceivedCall) => Fault | undefined = () => undefined;
  /** How long an answer takes. */
  delayMs: (call: ReceivedCall) => number = () => 0;
  readonly #answers = new Map<string, { status: number; body: unknown }>();
  readonly #server = http.createServer((request, response) => void this.#take(request, response));

  static async start(port = 0): Promise<TrackingApi> {
    const api = new TrackingApi();
    api.#server.listen(port, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Total of a metric of a client run, or of the job run. */
  metric(runId: string, clientId: string | null, name: string): number | undefined {
    const run = this.runs.get(runId);
    const course = clientId === null ? run : run?.clients.get(clientId);
    return course?.metrics.get(name)?.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #take(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const path = request.url ?? '';
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
    const body = text.length === 0 ? {} : (JSON.parse(text.toString()) as Fields);
    const key = request.headers['idempotency-key'] as string | undefined;
    const call: ReceivedCall = { method: request.method ?? '', path, body, key, status: undefined };
    this.calls.push(call);
    const fault = this.fault(call);
    if (fault?.hang === true && fault.store !== true) return;
    await sleep(this.delayMs(call));
    const answer = fault === undefined || fault.store === true ? this.#answer(call) : { status: 0, body: {} };
    if (fault?.hang === true) return;
    call.status = fault?.status ?? answer.status;
    response.writeHead(call.status, { 'content-type': 'application/json', ...fault?.headers });
    response.end(fault?.text ?? JSON.stringify(fault === undefined ? answer.body : { detail: 'A fault' }));
  }

  #answer(call: ReceivedCall): { status: number; body: unknown } {
    const known = call.key === undefined ? undefined : this.#answers.get(call.key);
    if (known !== undefined) return known;
    try {
      const answer = this.#obey(call);
      if (call.key !== undefined) this.#answers.set(call.key, answer);
      return answer;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      const { status, code, extra, message } = problem;
      return { status, body: { type: 'about:blank', title: code, status, code, detail: message, ...extra } };
    }
  }

  #obey({ method, path, body }: ReceivedCall): { status: number; body: unknown } {
    if (path === '/v1/logs') return this.#note(body);
    if (path.startsWith('/v1/')) return { status: 200, body: {} };
    const [route = ''] = path.split('?');
    const [, , , , runPart, ...rest] = route.split('/').map(decodeURIComponent);
    if (runPart === undefined) {
      if (method === 'POST') return this.#create(body);
      return {
        status: 200,
        body: { runs: [...this.runs.values()].map((run) => this.#record(run)), nextCursor: null },
      };
    }
    const run = this.#find(runPart, body);
    if (rest[0] === 'clients') {
      if (rest[1] === undefined) {
        const clients = [...run.clients.keys()].map((clientId) => this.#clientRecord(run, clientId));
        return { status: 200, body: { clients, nextCursor: null } };
      }
      return this.#client(run, rest[1], method, rest.slice(2).join('/'), body);
    }
    const action = rest.join('/');
    if (action === 'aliases') this.#relate(run, body);
    else this.#change(run, method, action, body);
    return { status: 200, body: this.#record(run) };
  }

  #create(body: Fields): { status: number; body: unknown } {
    const job = String(body['job']);
    const given = body['runId'];
    const converted = given === undefined ? undefined : convertToStandardFormat(given);
    if (converted?.status === 'refused') throw new Problem(400, 'invalid_run_id');
    let runId = converted?.runId ?? generateRunId();
    const existing = this.runs.get(runId);
    if (given !== undefined && existing !== undefined) {
      const isOther = existing.job !== job || (body['origin'] ?? existing.origin) !== existing.origin;
      if (isOther && body['ifTaken'] !== 'next') {
        throw new Problem(409, 'run_id_conflict', { record: this.#record(existing) });
      }
      if (!isOther) return { status: 200, body: this.#record(existing) };
    }
    while (this.runs.has(runId)) runId = nextRunId(runId);
    const origin = textOr(body['origin'], randomBytes(16).toString('hex'));
    const run: Run = { runId, job, origin, clients: new Map(), aliases: [], ...newCourse(body) };
    if (typeof given === 'string' && given !== runId && existing === undefined) {
      run.aliases.push({ alias: given, clientId: null, kind: 'legacy' });
    }
    this.runs.set(runId, run);
    return { status: 201, body: this.#record(run) };
  }

  #find(name: string, body: Fields): Run {
    const converted = convertToStandardFormat(name);
    const byAlias = [...this.runs.values()].find(({ aliases }) =>
      aliases.some(({ alias }) => alias === name),
    );
    const run = converted.status === 'converted' ? this.runs.get(baseRunId(converted.runId)) : undefined;
    const found = byAlias ?? run;
    if (found !== undefined) return found;
    const upsert = (body['upsert'] as { job?: string } | undefined)?.job;
    const job = upsert ?? (body['standalone'] === true ? String(body['job']) : undefined);
    if (job === undefined || converted.status === 'refused') throw new Problem(404, 'run_not_found');
    this.#create({ job, runId: converted.runId, recovered: upsert !== undefined });
    return this.#find(name, body);
  }

  #client(
    run: Run,
    clientId: string,
    method: string,
    action: string,
    body: Fields,
  ): { status: number; body: unknown } {
    const isNew = !run.clients.has(clientId);
    if (isNew) {
      if (action !== '' || method === 'GET' || (method === 'PATCH' && body['upsert'] !== true)) {
        throw new Problem(404, 'client_run_not_found');
      }
      run.clients.set(clientId, newCourse(method === 'PATCH' ? { ...body, recovered: true } : body));
    } else this.#change(run.clients.get(clientId)!, method, action, body);
    return { status: isNew ? 201 : 200, body: this.#clientRecord(run, clientId) };
  }

  #change(course: Course, method: string, action: string, body: Fields): void {
    if (method === 'GET') return;
    if (action.startsWith('metrics'))
      return this.#measure(course, action === 'metrics/increment', body['metrics'] as Fields);
    const attempt = Number(body['attempt'] ?? course.attempt);
    if (attempt < course.attempt) throw new Problem(409, 'attempt_over');
    if (attempt > course.attempt + 1) throw new Problem(409, 'attempt_gap');
    const status = textOr(body['status'], attempt > course.attempt ? 'running' : course.status);
    const isOver = attempt === course.attempt && course.status !== 'running' && status !== course.status;
    if (isOver && method !== 'PUT') throw new Problem(409, 'already_ended');
    if (!isOver) Object.assign(course, { attempt, status });
    Object.assign(course.fields, body);
  }

  #measure(course: Course, isAddition: boolean, metrics: Fields): void {
    for (const [name, given] of Object.entries(metrics)) {
      const {
        value,
        aggregation = 'sum',
        unit = '',
      } = (typeof given === 'number' ? { value: given } : given) as Partial<Metric> & { value: number };
      const known = course.metrics.get(name);
      if (known !== undefined && known.aggregation !== aggregation) throw new Problem(400, 'invalid_metric');
      course.metrics.set(name, {
        value: isAddition ? (known?.value ?? 0) + value : value,
        aggregation,
        unit,
      });
    }
  }

  #relate(run: Run, { alias, clientId = null, kind = 'external' }: Fields): void {
    const holder = [...this.runs.values()].find(({ aliases }) =>
      aliases.some((known) => known.alias === alias),
    );
    if (holder !== undefined && holder !== run) throw new Problem(409, 'alias_taken');
    run.aliases.push({ alias: String(alias), clientId: clientId as string | null, kind: String(kind) });
  }

  #note(body: Fields): { status: number; body: unknown } {
    const { resourceLogs } = body as {
      resourceLogs: { scopeLogs: { logRecords: { attributes: { key: string; value: Fields }[] }[] }[] }[];
    };
    for (const { attributes } of resourceLogs[0]?.scopeLogs[0]?.logRecords ?? []) {
      const note = Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
      if (note['rollcall.note.code'] !== undefined) this.notes.push(note);
    }
    return { status: 200, body: {} };
  }

  #record(run: Run): Fields {
    const { runId, job, origin, aliases, clients } = run;
    const metrics = [...run.metrics].map(([metric, rest]) => ({ metric, ...rest, clients: 0 }));
    const counts = { started: clients.size };
    return {
      ...courseRecord(run),
      runId,
      job,
      origin,
      traceId: origin,
      clients: counts,
      notes: [],
      conflicts: 0,
      metrics,
      aliases,
    };
  }

  #clientRecord(run: Run, clientId: string): Fields {
    const course = run.clients.get(clientId)!;
    const metrics = [...course.metrics].map(([metric, rest]) => ({ metric, ...rest }));
    const relation = course.fields['standalone'] === true ? 'standalone' : 'child';
    const { runId, job } = run;
    return {
      ...courseRecord(course),
      runId,
      job,
      clientId,
      clientRunId: `${runId}-${clientId}`,
      expected: false,
      relation,
      metrics,
    };
  }
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

function newCourse(body: Fields): Course {
  return {
    attempt: Number(body['attempt'] ?? 1),
    status: textOr(body['status'], 'running'),
    fields: { ...body },
    metrics: new Map(),
  };
}

function courseRecord({ attempt, status, fields }: Course): Fields {
  return {
    project: 'default',
    attempt,
    verdict: status,
    declaredStatus: status === 'running' ? null : status,
    reason: fields['reason'] ?? null,
    startedAt: fields['startedAt'] ?? null,
    endedAt: fields['endedAt'] ?? null,
    durationMs: null,
    lastSeenAt: null,
    progress: fields['progress'] ?? null,
    telemetry: 'complete',
    error: fields['error'] ?? null,
    recovered: fields['recovered'] ?? false,
  };
}
