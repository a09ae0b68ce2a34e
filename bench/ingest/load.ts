/** Sends requests to a service, as fast as it takes them or at a rate. */
import { Agent, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { PRODUCER } from './telemetry.ts';

export interface Load {
  readonly url: string;
  readonly bodies: readonly Template[];
  readonly spansPerBody: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly connections?: number;
  /** No more than these are sent. */
  readonly maxSpans?: number;
}

/** A body with a gap of eight hex digits: no request is sent twice, or it would be kept once. */
export interface Template {
  readonly head: Buffer;
  readonly rest: Buffer;
  readonly isGzip: boolean;
}

/** Makes a template of a body that names its producer. */
export function templateOf(body: Buffer): Template {
  const at = body.indexOf(PRODUCER);
  if (at < 0) throw new Error(`The body does not hold '${PRODUCER}'.`);
  return { head: body.subarray(0, at), rest: body.subarray(at + GAP_BYTES), isGzip: false };
}

/** The same, compressed: what is in front of the gap is a member of the file of its own. */
export function gzipTemplateOf(body: Buffer): Template {
  const { head, rest } = templateOf(body);
  return { head, rest: gzipSync(rest), isGzip: true };
}

const GAP_BYTES = 8;
let filled = 0;

/** A body that nobody has sent yet. */
export function fill({ head, rest, isGzip }: Template): Buffer {
  const gap = Buffer.from((filled++).toString(16).padStart(GAP_BYTES, '0'));
  return isGzip
    ? Buffer.concat([gzipSync(Buffer.concat([head, gap])), rest])
    : Buffer.concat([head, gap, rest]);
}

/** Sends for so long; returns the number of spans that were accepted. */
export async function sendFor(load: Load, durationMs: number): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const endMs = performance.now() + durationMs;
  const maxSpans = load.maxSpans ?? Infinity;
  let next = 0;
  let accepted = 0;
  const lanes = Array.from({ length: load.connections ?? 4 }, async () => {
    while (performance.now() < endMs && next * load.spansPerBody < maxSpans) {
      const { status, retryAfterS } = await send(load, agent, next++);
      if (status === 200) accepted += load.spansPerBody;
      else if (status === 429 || status === 503) await pause(Math.min(retryAfterS * 1_000, 200));
      else throw new Error(`The service answered ${status}.`);
    }
  });
  await Promise.all(lanes);
  agent.destroy();
  return accepted;
}

/** Sends at a steady rate, whether or not the answers keep up, and returns how long each took. */
export async function sendAtRate(load: Load, spansPerSecond: number, durationMs: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const intervalMs = (load.spansPerBody * 1_000) / spansPerSecond;
  const startedMs = performance.now();
  const answers: Promise<number>[] = [];
  for (let sent = 0; sent * intervalMs < durationMs; sent++) {
    const dueMs = startedMs + sent * intervalMs;
    if (dueMs > performance.now()) await pause(dueMs - performance.now());
    // Counted from when it was due: a sender that is held up must not hide that.
    answers.push(send(load, agent, sent).then(() => performance.now() - dueMs));
  }
  const latenciesMs = await Promise.all(answers);
  agent.destroy();
  return latenciesMs;
}

function send(load: Load, agent: Agent, number: number): Promise<{ status: number; retryAfterS: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; retryAfterS: number }>();
  const template = load.bodies[number % load.bodies.length];
  const body = template ? fill(template) : Buffer.alloc(0);
  const headers = { ...load.headers, 'content-length': body.length };
  const outgoing = request(`${load.url}/v1/traces`, { method: 'POST', agent, headers }, (answer) => {
    answer.resume();
    answer.on('end', () =>
      resolve({ status: answer.statusCode ?? 0, retryAfterS: Number(answer.headers['retry-after'] ?? 1) }),
    );
    answer.on('error', reject);
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
