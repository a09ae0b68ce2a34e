/** Measures the path from OTLP bytes to ClickHouse rows: the service on one core, the senders on another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openEngine } from '../../packages/ingest/src/store/engine.ts';
import { median, nextMessage, quantile, startOnCore, stayOnCore } from '../machine.ts';
import { table, type Suite } from '../report.ts';
import { gzipTemplateOf, sendAtRate, sendFor, templateOf, type Load, type Template } from './load.ts';
import { SPANS, spansRequests } from './telemetry.ts';

const SERVER_CORE = 0;
const SENDER_CORE = 1;
const DISTINCT_BODIES = 100;
/** At full load: what comes while the disk is busy is written together. */
const SENDERS = 16;
/** Of the transcoder and its rivals; the first ones warm up. */
const SHORT_ROUNDS = 60;
const WARM_ROUNDS = 5;
const BARE_MS = 500;
/** Of the whole path and the engine alone, which differ from round to round more than the two from each other. */
const ROUNDS = 9;
const ENCODING_ROUNDS = 3;
const ROUND_MS = 10_000;
/**
 * Until a program that has just been started works as it will go on working. As many rows for the path as for the engine
 * alone: the more there are, the more of what comes next is merged with them.
 */
const WARM_UP_SPANS = 600_000;
const BATCH_ROWS = 100_000;
const HTTP = 'HTTP without insert';
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const GZIP = { 'content-encoding': 'gzip' };

export const ingestSuite: Suite = { name: 'ingest', title: 'Ingest', run };

/** Spans per second of each contender, by its name. */
type Rates = Readonly<Record<string, number>>;

/** Bytes of a span, in either encoding. */
interface Sizes {
  readonly protobufBytes: number;
  readonly jsonBytes: number;
}

interface Transcoding extends Sizes {
  readonly rounds: readonly Rates[];
}

/** What the service has used so far. */
interface Usage {
  /** The most memory that it ever had. */
  readonly peakBytes: number;
  readonly memoryBytes: number;
  readonly cpuSeconds: number;
}

type Ask = (question: 'usage' | 'flush') => Promise<Usage>;

async function run(say: (line: string) => void): Promise<string> {
  stayOnCore(SENDER_CORE);
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  try {
    const bodies = spansRequests(DISTINCT_BODIES);
    const templates = bodies.map((body) => templateOf(body.protobuf));
    say('transcoder, and HTTP without insert, in turns …');
    const transcoding = await measureTranscoding(templates);
    say('end to end, and the engine alone, in turns …');
    const whole = await measureWhole(folder, bodies, say);
    say('latency at half load …');
    const latency = await measureLatency(folder, templates, medianOf(whole.rounds, 'protobuf') / 2);
    say('disk …');
    const disk = await measureDisk(
      folder,
      bodies.map(({ protobuf }) => protobuf),
    );
    return report({ transcoding, whole, latency, disk });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Each round: the transcoder and its rivals, then the same bodies through HTTP. */
async function measureTranscoding(bodies: readonly Template[]): Promise<Transcoding> {
  const child = startOnCore(SERVER_CORE, new URL('transcoder.ts', import.meta.url), []);
  const sizes = await nextMessage<Sizes>(child);
  const rounds = await withServer('bare', '', async (url, ask) => {
    const all: Rates[] = [];
    for (let round = 0; round < WARM_ROUNDS + SHORT_ROUNDS; round++) {
      const answer = nextMessage<Rates>(child);
      child.send('round');
      const alone = await answer;
      const http = await measureBare({ url, bodies, spansPerBody: SPANS, headers: PROTOBUF }, ask);
      all.push({ ...alone, [HTTP]: http });
    }
    return all.slice(WARM_ROUNDS);
  });
  child.disconnect();
  await ended(child);
  return { ...sizes, rounds };
}

/** Spans per second of processor time, like those of the transcoder: what others do meanwhile does not count. */
async function measureBare(load: Load, ask: Ask): Promise<number> {
  const { cpuSeconds: before } = await ask('usage');
  const spans = await sendFor(load, BARE_MS);
  return spans / ((await ask('usage')).cpuSeconds - before);
}

interface Whole {
  /** The whole path and the engine alone. */
  readonly rounds: readonly Rates[];
  /** The whole path in each encoding. */
  readonly encodings: readonly Rates[];
  readonly peakBytes: number;
}

/**
 * Each on fresh data and warmed up. What ran before leaves its mark on the machine, so members of a round take turns in
 * being the first. Merges fall behind the longer it goes on, so the engine is fed for as long as the path last took.
 */
async function measureWhole(
  folder: string,
  bodies: readonly { protobuf: Buffer; json: Buffer }[],
  say: (line: string) => void,
): Promise<Whole> {
  const loads = {
    protobuf: { bodies: bodies.map((body) => templateOf(body.protobuf)), headers: PROTOBUF },
    gzip: { bodies: bodies.map((body) => gzipTemplateOf(body.protobuf)), headers: { ...PROTOBUF, ...GZIP } },
    json: { bodies: bodies.map((body) => templateOf(body.json)), headers: JSON_TYPE },
  };
  let peakBytes = 0;
  let tookMs = 3 * ROUND_MS;
  const measure = async (contender: keyof typeof loads | 'engine'): Promise<number> => {
    if (contender === 'engine') return measureEngine(join(folder, 'engine'), tookMs);
    const path = await measurePath(join(folder, 'path'), {
      ...loads[contender],
      spansPerBody: SPANS,
      connections: SENDERS,
    });
    peakBytes = Math.max(peakBytes, path.peakBytes);
    if (contender === 'protobuf') tookMs = path.tookMs;
    return path.rate;
  };
  const inTurns = async (count: number, contenders: Parameters<typeof measure>[0][]): Promise<Rates[]> => {
    const rounds: Rates[] = [];
    for (let round = 0; round < count; round++) {
      const rates: Record<string, number> = {};
      for (const contender of contenders) rates[contender] = await measure(contender);
      rounds.push(rates);
      const said = Object.entries(rates).map(([name, rate]) => `${name} ${thousands(rate)}`);
      say(`  round ${round + 1}: ${said.join(', ')}`);
      contenders.reverse();
    }
    return rounds;
  };
  const rounds = await inTurns(ROUNDS, ['protobuf', 'engine']);
  const encodings = await inTurns(ENCODING_ROUNDS, ['gzip', 'protobuf', 'json']);
  return { rounds, encodings, peakBytes };
}

async function measureEngine(dataDir: string, forMs: number): Promise<number> {
  const child = startOnCore(SERVER_CORE, new URL('engine.ts', import.meta.url), [
    dataDir,
    String(BATCH_ROWS),
    '8',
    String(WARM_UP_SPANS),
    String(forMs),
  ]);
  const { rate } = await nextMessage<{ rate: number }>(child);
  await ended(child);
  await rm(dataDir, { recursive: true, force: true });
  return rate;
}

interface Path {
  readonly rate: number;
  readonly peakBytes: number;
  readonly tookMs: number;
}

/** Counts what is in ClickHouse at the end, not what was accepted. */
async function measurePath(dataDir: string, load: Omit<Load, 'url'>): Promise<Path> {
  const result = await withServer('whole', dataDir, async (url, ask) => {
    await sendFor({ ...load, url, maxSpans: WARM_UP_SPANS }, Infinity);
    await ask('flush');
    const startedMs = performance.now();
    const spans = await sendFor({ ...load, url }, ROUND_MS);
    const { peakBytes } = await ask('flush');
    const tookMs = performance.now() - startedMs;
    return { rate: (spans * 1_000) / tookMs, peakBytes, tookMs };
  });
  await rm(dataDir, { recursive: true, force: true });
  return result;
}

async function measureLatency(
  folder: string,
  bodies: readonly Template[],
  spansPerSecond: number,
): Promise<number[]> {
  const dataDir = join(folder, 'latency');
  const latenciesMs = await withServer('whole', dataDir, async (url) => {
    const load = { url, bodies, spansPerBody: SPANS, headers: PROTOBUF };
    await sendAtRate(load, spansPerSecond, 3_000);
    return sendAtRate(load, spansPerSecond, ROUND_MS);
  });
  await rm(dataDir, { recursive: true, force: true });
  return latenciesMs;
}

interface Disk {
  bytesPerSpan: number;
  gzipBytesPerSpan: number;
}

async function measureDisk(folder: string, bodies: readonly Buffer[]): Promise<Disk> {
  const dataDir = join(folder, 'disk');
  await withServer('whole', dataDir, async (url, ask) => {
    const load = { url, spansPerBody: SPANS, headers: PROTOBUF, connections: 1 };
    // Each body once: repeated ones would compress better than telemetry does.
    for (const body of bodies) await sendFor({ ...load, bodies: [templateOf(body)] }, 0.001);
    await ask('flush');
  });
  const engine = await openEngine({ dataDir, database: 'rollcall', mode: 'existing' });
  await engine.command('OPTIMIZE TABLE otel_traces FINAL');
  const [found] = await engine.rows<{ bytes: number; rows: number }>(
    "SELECT toUInt32(sum(bytes_on_disk)) AS bytes, toUInt32(sum(rows)) AS rows FROM system.parts WHERE active AND database = 'rollcall' AND table = 'otel_traces'",
  );
  await engine.close();
  const gzipBytes = bodies.reduce((sum, body) => sum + gzipSync(body, { level: 6 }).length, 0);
  return {
    bytesPerSpan: (found?.bytes ?? 0) / (found?.rows ?? 1),
    gzipBytesPerSpan: gzipBytes / (bodies.length * SPANS),
  };
}

/** Starts the service on a core of its own, and stops it afterwards. */
export async function withServer<Result>(
  mode: 'whole' | 'bare',
  dataDir: string,
  use: (url: string, ask: Ask) => Promise<Result>,
): Promise<Result> {
  const child = startOnCore(SERVER_CORE, new URL('server.ts', import.meta.url), [mode, dataDir]);
  try {
    const { url } = await nextMessage<{ url: string }>(child);
    return await use(url, (question) => {
      const answer = nextMessage<Usage>(child);
      child.send(question);
      return answer;
    });
  } finally {
    if (child.connected) child.send('stop');
    await ended(child);
  }
}

async function ended(child: ReturnType<typeof startOnCore>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => {
    child.once('exit', resolve);
  });
}

function report({
  transcoding: { rounds: short, protobufBytes, jsonBytes },
  whole,
  latency,
  disk,
}: {
  transcoding: Transcoding;
  whole: Whole;
  latency: readonly number[];
  disk: Disk;
}): string {
  const { rounds: long, encodings } = whole;
  const ratios = [
    ['protobuf → Native ÷ `JSON.parse` of the same spans', ratioOf(short, 'transcode', 'JSON.parse'), '≥ 8'],
    ['protobuf → Native ÷ walking the bytes', ratioOf(short, 'transcode', 'walk bytes'), '≥ 0.7'],
    ['HTTP without insert ÷ transcode alone', ratioOf(short, HTTP, 'transcode'), '≥ 0.65'],
    ['end to end ÷ the engine fed with prebuilt blocks', ratioOf(long, 'protobuf', 'engine'), '≥ 0.8'],
    ['gzip ÷ plain, end to end', ratioOf(encodings, 'gzip', 'protobuf'), '≥ 0.9'],
    ['JSON ÷ protobuf, end to end', ratioOf(encodings, 'json', 'protobuf'), '≥ 0.6'],
    [
      'disk after merges ÷ gzip-6 of the protobuf',
      (disk.bytesPerSpan / disk.gzipBytesPerSpan).toFixed(2),
      '≤ 1.0',
    ],
    [
      'peak memory of the service, engine included',
      `${(whole.peakBytes / 1024 ** 2).toFixed(0)} MiB`,
      '< 1024 MiB',
    ],
    ['p99 of a request at half load', `${quantile(latency, 0.99).toFixed(0)} ms`, '< 50 ms'],
  ];
  const figures: [name: string, rate: number][] = [
    ...Object.keys(short[0] ?? {}).map((name): [string, number] => [name, medianOf(short, name)]),
    ['engine alone, prebuilt Native blocks of 100,000 rows', medianOf(long, 'engine')],
    ['end to end, protobuf', medianOf(long, 'protobuf')],
    ['end to end, protobuf with gzip', medianOf(encodings, 'gzip')],
    ['end to end, JSON', medianOf(encodings, 'json')],
  ];
  return [
    `Spans of ${protobufBytes.toFixed(0)} bytes of protobuf (${jsonBytes.toFixed(0)} of JSON) with 12 attributes, ${SPANS} a request, from ${SENDERS} senders at full load. ` +
      'The service, its engine, spool, fsync and merges have one core; the senders have the other. The engine alone has its disk synced each second, as the service does.',
    table(['what', 'measured', 'aim'], ratios),
    'A ratio is the median of the ratios of each round. The first five rates are per second of processor time, the others per second.',
    table(
      ['path', 'spans per second'],
      figures.map(([name, rate]) => [name, thousands(rate)]),
    ),
    `Request at half load: median ${median(latency).toFixed(1)} ms, p90 ${quantile(latency, 0.9).toFixed(1)} ms, p99 ${quantile(latency, 0.99).toFixed(1)} ms. ` +
      `Disk: ${disk.bytesPerSpan.toFixed(0)} bytes per span after merges, gzip-6 of the protobuf ${disk.gzipBytesPerSpan.toFixed(0)}.`,
  ].join('\n\n');
}

function medianOf(rounds: readonly Rates[], name: string): number {
  return median(rounds.map((rates) => rates[name] ?? Number.NaN));
}

/** Of each round by itself: what slows the machine slows both. */
function ratioOf(rounds: readonly Rates[], name: string, other: string): string {
  const ratios = rounds.map((rates) => (rates[name] ?? Number.NaN) / (rates[other] ?? Number.NaN));
  return median(ratios).toFixed(2);
}

function thousands(rate: number): string {
  return `${(rate / 1_000).toFixed(0)}k`;
}
