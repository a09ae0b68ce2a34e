/** Makes requests of spans as services send them: some 500 bytes and 12 attributes each. */
import { encodeProtobuf } from '../../packages/ingest/src/otlp/protobuf-request.fixture.ts';

export interface Bodies {
  readonly protobuf: Buffer;
  readonly json: Buffer;
}

const START_NS = 1_790_000_000_000_000_000n;

/** Of one request. */
export const SPANS = 2_000;

/** So many requests of `SPANS` spans each, no two with an ID in common. */
export function spansRequests(count: number): Bodies[] {
  return Array.from({ length: count }, (_, seed) => spansRequest(SPANS, seed));
}

/** One request; no two of another `seed` share an ID. */
function spansRequest(spans: number, seed: number): Bodies {
  const random = generator(seed);
  const request = {
    resourceSpans: [
      {
        resource: { attributes: RESOURCE },
        scopeSpans: [
          {
            scope: { name: '@opentelemetry/instrumentation-http', version: '0.57.1' },
            spans: Array.from({ length: spans }, (_, index) => makeSpan(seed * spans + index, random)),
          },
        ],
      },
    ],
  };
  return { protobuf: encodeProtobuf('traces', request), json: Buffer.from(JSON.stringify(request)) };
}

/** Who sends the spans. */
export const PRODUCER = '627cc493-f310-47de-96bd-71410b7dec09';

const RESOURCE = [
  text('service.name', 'checkout'),
  text('service.version', '4.12.0'),
  text('service.instance.id', PRODUCER),
  text('host.name', 'worker-7f9c4d6b8-x2x9q'),
  text('telemetry.sdk.name', 'opentelemetry'),
  text('telemetry.sdk.language', 'nodejs'),
];

function makeSpan(number: number, random: () => number): object {
  const startNs = START_NS + BigInt(number) * 1_000_003n;
  return {
    traceId: hex(32, random),
    spanId: hex(16, random),
    parentSpanId: hex(16, random),
    name: `GET /api/v1/items/${OPERATIONS[number % OPERATIONS.length]}`,
    kind: 2,
    startTimeUnixNano: String(startNs),
    endTimeUnixNano: String(startNs + BigInt(Math.floor(random() * 1e8))),
    attributes: [
      text('http.request.method', 'GET'),
      text('url.path', `/api/v1/items/${Math.floor(random() * 10_000)}`),
      text('url.scheme', 'https'),
      int('http.response.status_code', random() < 0.97 ? 200 : 500),
      text('server.address', 'api.example.com'),
      int('server.port', 443),
      text('network.peer.address', `10.${number % 4}.${number % 250}.${Math.floor(random() * 250)}`),
      text('user_agent.original', 'Mozilla/5.0 (X11; Linux x86_64)'),
      text('enduser.id', hex(12, random)),
      text('db.query.text', `SELECT * FROM items WHERE id = ${Math.floor(random() * 1e6)}`),
      int('items', Math.floor(random() * 1_000)),
      { key: 'cache.hit', value: { boolValue: random() < 0.5 } },
    ],
    status: { code: 1 },
  };
}

const OPERATIONS = ['list', 'detail', 'search', 'related', 'stock', 'price', 'reviews', 'images'];

function text(key: string, stringValue: string): object {
  return { key, value: { stringValue } };
}

function int(key: string, value: number): object {
  return { key, value: { intValue: String(value) } };
}

function hex(digits: number, random: () => number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('');
}

function generator(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
