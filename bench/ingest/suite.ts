/** Measures the path from OTLP bytes to ClickHouse rows: the service on one core, the senders on another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openEngine } from '../../packages/ingest/src/store/engine.ts';
import { median, nextMessage, quantile, startOnCore, stayOnCore } from '../machine.ts';
import { table, type Suite } from '../report.ts';
import { gzipTemplateOf, sendAtRate, sendFor, templateOf, type Load, type Template } from './load.ts';
import { spansRequest } from './telemetry.ts';

const SERVER_CORE = 0;
const SENDER_CORE = 1;
const SPANS = 2_000;
const DISTINCT_BODIES = 100;
const ROUNDS = 3;
const ROUND_MS = 10_000;
const BARE_MS = 4_000;
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const GZIP = { 'content-encoding': 'gzip' };

export const ingestSuite: Suite = { name: 'ingest', title: 'Ingest', run };

interface TranscoderRates {
  rates: Record<string, number>;
  protobufBytes: number;
  jsonBytes: number;
}

export interface Memory {
  /** The most that it ever was. */
  peakBytes: number;
  memoryBytes: number;
}

async function run(say: (line: string) => void): Promise<string> {
  stayOnCore(SENDER_CORE);
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  try {
    say('transcoder …');
    const transcoder = await measureTranscoder();
    const bodies = Array.from({ length: DISTINCT_BODIES }, (_, seed) => spansRequest(SPANS, seed));
    say('HTTP without insert …');
    const templates = bodies.map((body) => templateOf(body.protobuf));
    const bare = await measureBare(templates);
    say('end to end, and the engine alone, in turns …');
    const whole = await measureWhole(folder, bodies, say);
    say('latency at half load …');
    const latency = await measureLatency(folder, templates, whole.protobuf / 2);
    say('disk …');
    const disk = await measureDisk(
      folder,
      bodies.map(({ protobuf }) => protobuf),
    );
    return report({ transcoder, bare, whole, latency, disk });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureTranscoder(): Promise<TranscoderRates> {
  return nextMessage(startOnCore(SERVER_CORE, new URL('transcoder.ts', import.meta.url), []));
}

async function measureBare(bodies: readonly Template[]): Promise<number> {
  return withServer('bare', '', async (url) => {
    const load = { url, bodies, spansPerBody: SPANS, headers: PROTOBUF };
    await sendFor(load, BARE_MS);
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round++)
      rates.push(((await sendFor(load, BARE_MS)) * 1_000) / BARE_MS);
    return median(rates);
  });
}

interface Whole {
  protobuf: number;
  gzip: number;
  json: number;
  engine: number;
  peakBytes: number;
}

/**
 * Each round: the whole path in three encodings, then the engine alone, each on fresh data. Merges fall behind the
 * longer it goes on, so the engine is fed for as long as the path with protobuf took.
 */
async function measureWhole(
  folder: string,
  bodies: readonly { protobuf: Buffer; json: Buffer }[],
  say: (line: string) => void,
): Promise<Whole> {
  const protobuf = bodies.map((body) => templateOf(body.protobuf));
  const loads = {
    protobuf: { bodies: protobuf, headers: PROTOBUF },
    gzip: { bodies: bodies.map((body) => gzipTemplateOf(body.protobuf)), headers: { ...PROTOBUF, ...GZIP } },
    json: { bodies: bodies.map((body) => templateOf(body.json)), headers: JSON_TYPE },
  };
  const rates: Record<string, number[]> = { engine: [], protobuf: [], gzip: [], json: [] };
  let peakBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let forMs = ROUND_MS;
    for (const [name, load] of Object.entries(loads)) {
      const result = await measurePath(join(folder, `${name}-${round}`), { ...load, spansPerBody: SPANS });
      rates[name]?.push(result.rate);
      peakBytes = Math.max(peakBytes, result.peakBytes);
      if (name === 'protobuf') forMs = result.tookMs;
    }
    rates['engine']?.push(await measureEngine(join(folder, `engine-${round}`), forMs));
    say(
      `  round ${round + 1}: ${Object.entries(rates)
        .map(([name, all]) => `${name} ${thousands(all.at(-1) ?? 0)}`)
        .join(', ')}`,
    );
  }
  const of = (name: string): number => median(rates[name] ?? []);
  return { protobuf: of('protobuf'), gzip: of('gzip'), json: of('json'), engine: of('engine'), peakBytes };
}

async function measureEngine(dataDir: string, forMs: number): Promise<number> {
  const child = startOnCore(SERVER_CORE, new URL('engine.ts', import.meta.url), [
    dataDir,
    '100000',
    '4',
    String(forMs),
  ]);
  const { rate } = await nextMessage<{ rate: number }>(child);
  await ended(child);
  await rm(dataDir, { recursive: true, force: true });
  return rate;
}

/** Counts what is in ClickHouse at the end, not what was accepted. */
async function measurePath(
  dataDir: string,
  load: Omit<Load, 'url'>,
): Promise<{ rate: number; peakBytes: number; tookMs: number }> {
  const result = await withServer('whole', dataDir, async (url, ask) => {
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
  use: (url: string, ask: (question: string) => Promise<Memory>) => Promise<Result>,
): Promise<Result> {
  const child = startOnCore(SERVER_CORE, new URL('server.ts', import.meta.url), [mode, dataDir]);
  try {
    const { url } = await nextMessage<{ url: string }>(child);
    return await use(url, (question) => {
      const answer = nextMessage<Memory>(child);
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
  transcoder,
  bare,
  whole,
  latency,
  disk,
}: {
  transcoder: TranscoderRates;
  bare: number;
  whole: Whole;
  latency: readonly number[];
  disk: Disk;
}): string {
  const { rates } = transcoder;
  const of = (name: string): number => rates[name] ?? Number.NaN;
  const ratio = (a: number, b: number): string => (a / b).toFixed(2);
  const ratios = [
    ['protobuf → Native ÷ `JSON.parse` of the same spans', ratio(of('transcode'), of('JSON.parse')), '≥ 8'],
    ['protobuf → Native ÷ walking the bytes', ratio(of('transcode'), of('walk bytes')), '≥ 0.7'],
    ['HTTP without insert ÷ transcode alone', ratio(bare, of('transcode')), '≥ 0.65'],
    ['end to end ÷ the engine fed with prebuilt blocks', ratio(whole.protobuf, whole.engine), '≥ 0.8'],
    ['gzip ÷ plain, end to end', ratio(whole.gzip, whole.protobuf), '≥ 0.9'],
    ['JSON ÷ protobuf, end to end', ratio(whole.json, whole.protobuf), '≥ 0.6'],
    ['disk after merges ÷ gzip-6 of the protobuf', ratio(disk.bytesPerSpan, disk.gzipBytesPerSpan), '≤ 1.0'],
    [
      'peak memory of the service, engine included',
      `${(whole.peakBytes / 1024 ** 2).toFixed(0)} MiB`,
      '< 1024 MiB',
    ],
    ['p99 of a request at half load', `${quantile(latency, 0.99).toFixed(0)} ms`, '< 50 ms'],
  ];
  const figures = [
    ...Object.entries(rates),
    ['HTTP without insert', bare] as const,
    ['engine alone, prebuilt Native blocks of 100,000 rows', whole.engine] as const,
    ['end to end, protobuf', whole.protobuf] as const,
    ['end to end, protobuf with gzip', whole.gzip] as const,
    ['end to end, JSON', whole.json] as const,
  ].map(([name, rate]) => [name, thousands(rate)]);
  return [
    `Spans of ${transcoder.protobufBytes.toFixed(0)} bytes of protobuf (${transcoder.jsonBytes.toFixed(0)} of JSON) with 12 attributes, ${SPANS} a request. ` +
      'The service, its engine, spool, fsync and merges have one core; the senders have the other.',
    table(['what', 'measured', 'aim'], ratios),
    table(['path', 'spans per second'], figures),
    `Request at half load: median ${median(latency).toFixed(1)} ms, p90 ${quantile(latency, 0.9).toFixed(1)} ms, p99 ${quantile(latency, 0.99).toFixed(1)} ms. ` +
      `Disk: ${disk.bytesPerSpan.toFixed(0)} bytes per span after merges, gzip-6 of the protobuf ${disk.gzipBytesPerSpan.toFixed(0)}.`,
  ].join('\n\n');
}

function thousands(rate: number): string {
  return `${(rate / 1_000).toFixed(0)}k`;
}
