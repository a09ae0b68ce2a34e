/** Measures the transcoder beside what it is compared with, round by round; started on a core of its own. */
import { Transcoder } from '../../packages/ingest/src/rows/transcode.ts';
import { median } from '../machine.ts';
import { SPANS, spansRequests } from './telemetry.ts';
import { walkBytes } from './walk-bytes.ts';

const ROUND_MS = 150;
/** As many as no cache holds: what is sent is never the same body again. */
const DISTINCT_BODIES = 50;

const bodies = spansRequests(DISTINCT_BODIES).map(({ protobuf, json }) => ({
  protobuf,
  json,
  jsonText: json.toString(),
}));
type Body = (typeof bodies)[number];
const transcoder = new Transcoder();
const context = { projectId: 'bench', receivedAtMs: Date.now() };

function transcode(encoding: 'protobuf' | 'json', body: Buffer): void {
  const result = transcoder.add('traces', encoding, body, context);
  if (result.status !== 'ok' || result.accepted !== SPANS) throw new Error('Spans were refused.');
  transcoder.take();
}

const contenders: Record<string, (body: Body) => void> = {
  transcode: ({ protobuf }) => transcode('protobuf', protobuf),
  'transcode JSON': ({ json }) => transcode('json', json),
  'JSON.parse': ({ jsonText }) => void JSON.parse(jsonText),
  'walk bytes': ({ protobuf }) => void walkBytes(protobuf),
};

/** Each message asks for a round; the answer is spans per second. */
process.on('message', () =>
  process.send?.(Object.fromEntries(Object.entries(contenders).map(([name, run]) => [name, rateOf(run)]))),
);
process.send?.({
  protobufBytes: median(bodies.map(({ protobuf }) => protobuf.length)) / SPANS,
  jsonBytes: median(bodies.map(({ json }) => json.length)) / SPANS,
});

/** Per second of processor time: what others do on the machine meanwhile does not count. */
function rateOf(run: (body: Body) => void): number {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let runs = 0;
  while (performance.now() - startedMs < ROUND_MS) {
    const body = bodies[runs++ % bodies.length];
    if (body !== undefined) run(body);
  }
  const { user, system } = process.cpuUsage(before);
  return (runs * SPANS * 1_000_000) / (user + system);
}
