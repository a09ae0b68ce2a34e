/** Facts about what is kept of a request, and what is refused. */
import { describe, expect, test } from 'vitest';
import { readBlocks } from '../native/read-block.fixture.ts';
import { delimited, encodeProtobuf, type JsonRequest } from '../otlp/protobuf-request.fixture.ts';
import type { Signal } from '../otlp/records.ts';
import {
  CONTEXT,
  logsRequest,
  metricsRequest,
  RECEIVED_AT,
  rowsOf,
  span,
  spansRequest,
  type TestRow,
  text,
  transcodeRequest,
} from './read-rows.fixture.ts';
import { type Encoding, Transcoder } from './transcode.ts';
import { transcode } from './transcode.fixture.ts';

const BOTH = ['json', 'protobuf'] as const;
const nested = (depth: number): unknown =>
  depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } };
const manyAttributes = (count: number) => Array.from({ length: count }, (_, index) => text(`k${index}`, 'v'));

function attributesOf(attributes: unknown[], encoding: Encoding): unknown {
  const result = transcodeRequest('traces', spansRequest([span({ attributes })]), encoding);
  return rowsOf(result, 'otel_traces')[0]?.['SpanAttributes'];
}

function rowOf(json: string): TestRow | undefined {
  return rowsOf(transcode('traces', 'json', Buffer.from(json), CONTEXT), 'otel_traces')[0];
}

describe('a bad span is refused alone, with a stable reason', () => {
  test.each([
    ['invalid_trace_id', { traceId: '' }],
    ['invalid_trace_id', { traceId: '00000000000000000000000000000000' }],
    ['invalid_trace_id', { traceId: '5b8efff798038103d269b633813fc6' }],
    ['invalid_trace_id', { traceId: '5b8efff798038103d269b633813fc60c00' }],
    ['invalid_span_id', { spanId: '' }],
    ['invalid_span_id', { spanId: '0000000000000000' }],
    ['invalid_span_id', { spanId: 'eee19b7ec3c1b1' }],
    ['invalid_parent_span_id', { parentSpanId: 'eee19b' }],
    ['invalid_time', { startTimeUnixNano: '0' }],
    ['invalid_time', { endTimeUnixNano: '0' }],
    ['invalid_time', { startTimeUnixNano: '9223372036854775808' }],
    ['invalid_time', { endTimeUnixNano: '18446744073709551615' }],
    ['invalid_time', { events: [{ name: 'e', timeUnixNano: '18446744073709551615' }] }],
    ['invalid_link', { links: [{ traceId: 'abcd', spanId: 'eee19b7ec3c1b174' }] }],
    ['too_many_attributes', { attributes: manyAttributes(1_025) }],
    ['empty_attribute_key', { attributes: [text('', 'v')] }],
    ['name_too_long', { attributes: [text('k'.repeat(1_025), 'v')] }],
    ['name_too_long', { name: 'n'.repeat(1_025) }],
    ['value_too_deep', { attributes: [{ key: 'k', value: nested(17) }] }],
    ['invalid_run_id', { attributes: [text('rollcall.run.id', '')] }],
    ['invalid_run_id', { attributes: [text('rollcall.run.id', '260102\n030405')] }],
    ['invalid_run_id', { attributes: [text('rollcall.run.id', '1'.repeat(129))] }],
    ['invalid_run_id', { attributes: [{ key: 'rollcall.run.id', value: { intValue: '7' } }] }],
    ['invalid_job_name', { attributes: [text('rollcall.job.name', '')] }],
    ['invalid_client_id', { attributes: [text('rollcall.client.id', 'a\u0000b')] }],
  ])('%s: %j', (reason, changes) => {
    for (const encoding of BOTH) {
      const result = transcodeRequest('traces', spansRequest([span(), span(changes), span()]), encoding);

      expect(result).toMatchObject({ status: 'ok', accepted: 2, refused: [{ reason, count: 1 }] });
      expect(rowsOf(result, 'otel_traces')).toHaveLength(2);
    }
  });

  test('a trace id that is not hex is named in the message', () => {
    const result = transcodeRequest('traces', spansRequest([span({ traceId: 'W47/95gDgQPSabYzgT/GDA==' })]));
    expect(result).toMatchObject({
      refused: [{ reason: 'invalid_trace_id', message: expect.stringContaining('w47/95gdgqpsabyzgt/gda==') }],
    });
  });

  test('what is at the limit is kept', () => {
    const spans = [
      span({ attributes: manyAttributes(1_024) }),
      span({ attributes: [{ key: 'k', value: nested(16) }] }),
      span({ startTimeUnixNano: '1', endTimeUnixNano: '9223372036854775807' }),
      span({ attributes: [text('rollcall.run.id', 'ü'.repeat(128))] }),
    ];
    for (const encoding of BOTH) {
      expect(transcodeRequest('traces', spansRequest(spans), encoding)).toMatchObject({
        accepted: 4,
        refused: [],
      });
    }
  });

  test('records of a faulty resource are each counted, those of the next one are kept', () => {
    const faulty = spansRequest([span(), span()], [text('', 'v')]);
    const sound = spansRequest([span()]);
    const request = { resourceSpans: [faulty, sound].flatMap((group) => group['resourceSpans']) };
    for (const encoding of BOTH) {
      expect(transcodeRequest('traces', request, encoding)).toMatchObject({
        accepted: 1,
        refused: [{ reason: 'empty_attribute_key', count: 2 }],
      });
    }
  });

  test('text that is not UTF-8 costs its span only', () => {
    const sound = transcodeRequest('traces', spansRequest([span({ name: 'abc' })]), 'protobuf');
    const request = spansRequest([span({ name: '\u00e9\u00e9' }), span({ name: 'abc' })]);
    const bytes = encodeProtobuf('traces', request);
    bytes[bytes.indexOf('\u00e9\u00e9') + 1] = 0x20;

    const result = transcode('traces', 'protobuf', bytes, CONTEXT);

    expect(result).toMatchObject({ accepted: 1, refused: [{ reason: 'invalid_utf8', count: 1 }] });
    expect(rowsOf(result, 'otel_traces')).toEqual(rowsOf(sound, 'otel_traces'));
  });
});

describe('spans', () => {
  test('the run comes from the span, else from the resource, and stays among the attributes', () => {
    const resource = [text('rollcall.run.id', '260102-030405'), text('rollcall.job.name', 'batch_scoring')];
    const own = [text('rollcall.run.id', '260102-030406'), text('rollcall.client.id', 'O’Neil & "Sons"')];
    const result = transcodeRequest('traces', spansRequest([span({ attributes: own }), span()], resource));

    expect(rowsOf(result, 'otel_traces')).toMatchObject([
      {
        RunId: '260102-030406',
        JobName: 'batch_scoring',
        ClientId: 'O’Neil & "Sons"',
        SpanAttributes: { 'rollcall.run.id': '260102-030406', 'rollcall.client.id': 'O’Neil & "Sons"' },
      },
      {
        RunId: '260102-030405',
        JobName: 'batch_scoring',
        ClientId: '',
        SpanAttributes: {},
        ResourceAttributes: { 'rollcall.run.id': '260102-030405', 'rollcall.job.name': 'batch_scoring' },
      },
    ]);
  });

  test('an end before the start is kept, with the duration 0', () => {
    const result = transcodeRequest('traces', spansRequest([span({ endTimeUnixNano: '1' })]));
    expect(rowsOf(result, 'otel_traces')).toMatchObject([
      { Timestamp: '1544712660000000001', Duration: '0' },
    ]);
  });

  test('a parent of zeros is no parent', () => {
    const result = transcodeRequest('traces', spansRequest([span({ parentSpanId: '0000000000000000' })]));
    expect(rowsOf(result, 'otel_traces')).toMatchObject([{ ParentSpanId: '' }]);
  });

  test('kinds and status codes are words, unknown ones included', () => {
    const spans = [0, 1, 2, 3, 4, 5, 99].map((kind) => span({ kind, status: { code: kind, message: 'm' } }));
    const rows = rowsOf(transcodeRequest('traces', spansRequest(spans)), 'otel_traces');
    expect(rows.map((row) => row['SpanKind']).join()).toBe(
      'Unspecified,Internal,Server,Client,Producer,Consumer,Unspecified',
    );
    expect(rows.map((row) => row['StatusCode']).join()).toBe('Unset,Ok,Error,Unset,Unset,Unset,Unset');
  });

  test('a resource or a schema URL written behind the spans counts for them all the same', () => {
    const request = {
      resourceSpans: [
        {
          schemaUrl: 'https://schema/resource',
          scopeSpans: [{ schemaUrl: 'https://schema/scope', spans: [span()], scope: { name: 'late' } }],
          resource: { attributes: [text('service.name', 'late')] },
        },
      ],
    };
    expect(rowsOf(transcodeRequest('traces', request, 'protobuf'), 'otel_traces')).toMatchObject([
      {
        ServiceName: 'late',
        ScopeName: 'late',
        ResourceSchemaUrl: 'https://schema/resource',
        ScopeSchemaUrl: 'https://schema/scope',
      },
    ]);
  });
});

describe('attributes', () => {
  test.each([
    ['text', { stringValue: ' a ' }, ' a '],
    ['an empty value', {}, ''],
    ['a bool', { boolValue: false }, 'false'],
    ['the smallest int', { intValue: '-9223372036854775808' }, '-9223372036854775808'],
    ['a double', { doubleValue: 1e300 }, '1e+300'],
    ['NaN', { doubleValue: 'NaN' }, 'NaN'],
    ['infinity', { doubleValue: '-Infinity' }, '-Infinity'],
    ['bytes', { bytesValue: 'AP/+' }, 'AP/+'],
    ['an empty list', { arrayValue: { values: [] } }, '[]'],
    [
      'a mixed list',
      {
        arrayValue: {
          values: [{}, { intValue: '9007199254740993' }, { doubleValue: 'NaN' }, { bytesValue: 'AA==' }],
        },
      },
      '[null,9007199254740993,"NaN","AA=="]',
    ],
    [
      'a map in a map',
      {
        kvlistValue: {
          values: [
            { key: 'a"b', value: { kvlistValue: { values: [{ key: '', value: { boolValue: true } }] } } },
          ],
        },
      },
      '{"a\\"b":{"":true}}',
    ],
  ])('%s becomes text', (_what, value, expected) => {
    for (const encoding of BOTH) {
      expect(attributesOf([{ key: 'k', value }], encoding)).toEqual({ k: expected });
    }
  });

  test('of two with one key the last wins', () => {
    for (const encoding of BOTH) {
      expect(attributesOf([text('k', 'first'), text('j', 'x'), text('k', 'last')], encoding)).toEqual({
        k: 'last',
        j: 'x',
      });
    }
  });

  test('keys of objects are keys like others', () => {
    for (const encoding of BOTH) {
      const keys = ['__proto__', 'constructor', 'toString'];
      const attributes = attributesOf(
        keys.map((key) => text(key, key)),
        encoding,
      ) as object;
      expect(Object.keys(attributes)).toEqual(keys);
    }
  });
});

describe('log records', () => {
  test('a record without a time has its observed time, and without that the time of arrival', () => {
    const request = logsRequest([
      { timeUnixNano: '5', observedTimeUnixNano: '6' },
      { observedTimeUnixNano: '6' },
      { body: { stringValue: 'timeless' } },
    ]);
    const rows = rowsOf(transcodeRequest('logs', request), 'otel_logs');
    expect(rows).toMatchObject([
      { Timestamp: 5, ObservedTimestamp: 6 },
      { Timestamp: 6, ObservedTimestamp: 6 },
      { Timestamp: `${RECEIVED_AT}678000000`, ObservedTimestamp: `${RECEIVED_AT}678000000` },
    ]);
  });

  test.each([
    ['invalid_trace_id', { traceId: 'abcd' }],
    ['invalid_span_id', { spanId: 'abcd' }],
    ['invalid_time', { timeUnixNano: '18446744073709551615' }],
    ['invalid_severity', { severityNumber: 25 }],
    ['name_too_long', { eventName: 'e'.repeat(1_025) }],
    ['value_too_deep', { body: nested(17) }],
  ])('%s: %j', (reason, log) => {
    for (const encoding of BOTH) {
      expect(transcodeRequest('logs', logsRequest([{ timeUnixNano: '5' }, log]), encoding)).toMatchObject({
        accepted: 1,
        refused: [{ reason, count: 1 }],
      });
    }
  });

  test('ids of zeros mean that there are none', () => {
    const result = transcodeRequest(
      'logs',
      logsRequest([{ traceId: '0'.repeat(32), spanId: '0'.repeat(16) }]),
    );
    expect(rowsOf(result, 'otel_logs')).toMatchObject([{ TraceId: '', SpanId: '' }]);
  });
});

describe('metric points', () => {
  const point = { timeUnixNano: '5', asInt: '1' };

  test('a point that says it has no value is accepted and makes no row', () => {
    const gauge = { name: 'm', gauge: { dataPoints: [{ timeUnixNano: '5', flags: 1 }, point] } };
    const histogram = { name: 'h', histogram: { dataPoints: [{ timeUnixNano: '5', flags: 1 }] } };
    for (const encoding of BOTH) {
      const result = transcodeRequest('metrics', metricsRequest([gauge, histogram]), encoding);
      expect(result).toMatchObject({
        accepted: 3,
        refused: [],
        blocks: [{ table: 'otel_metrics_gauge', rows: 1 }],
      });
    }
  });

  test.each([
    ['missing_value', { name: 'm', gauge: { dataPoints: [{ timeUnixNano: '5' }] } }],
    ['missing_metric_kind', { name: 'm' }],
    ['missing_metric_name', { name: '', sum: { dataPoints: [point] } }],
    ['invalid_time', { name: 'm', sum: { dataPoints: [{ asInt: '1' }] } }],
    ['invalid_exemplar', { name: 'm', sum: { dataPoints: [{ ...point, exemplars: [{}] }] } }],
    [
      'invalid_buckets',
      {
        name: 'm',
        histogram: { dataPoints: [{ timeUnixNano: '5', bucketCounts: ['1'], explicitBounds: [1] }] },
      },
    ],
    ['empty_attribute_key', { name: 'm', metadata: [text('', 'v')], sum: { dataPoints: [point] } }],
  ])('%s: %j', (reason, metric) => {
    const sound = { name: 's', sum: { dataPoints: [point] } };
    for (const encoding of BOTH) {
      expect(transcodeRequest('metrics', metricsRequest([sound, metric]), encoding)).toMatchObject({
        accepted: 1,
        refused: [{ reason, count: 1 }],
      });
    }
  });

  test('every point of a faulty metric is counted', () => {
    const metric = { name: 'm', metadata: [text('', 'v')], sum: { dataPoints: [point, point, point] } };
    for (const encoding of BOTH) {
      expect(transcodeRequest('metrics', metricsRequest([metric]), encoding)).toMatchObject({
        refused: [{ reason: 'empty_attribute_key', count: 3 }],
      });
    }
  });

  test('a value of 0 is a value', () => {
    const metrics = [
      { name: 'int', gauge: { dataPoints: [{ timeUnixNano: '5', asInt: '0' }] } },
      { name: 'double', gauge: { dataPoints: [{ timeUnixNano: '5', asDouble: 0 }] } },
    ];
    for (const encoding of BOTH) {
      const rows = rowsOf(
        transcodeRequest('metrics', metricsRequest(metrics), encoding),
        'otel_metrics_gauge',
      );
      expect(rows).toMatchObject([
        { MetricName: 'int', Value: 0 },
        { MetricName: 'double', Value: 0 },
      ]);
    }
  });
});

describe('OTLP/JSON', () => {
  test('names in snake_case, unknown fields, nulls and numbers as text are taken', () => {
    const json = `{"resource_spans":[{"scope_spans":[{"spans":[{
      "trace_id":"5B8EFFF798038103D269B633813FC60C","span_id":"EEE19B7EC3C1B174","name":null,"kind":"2",
      "start_time_unix_nano":1544712660000000123,"end_time_unix_nano":"1544712660000000125","unknown":{"a":[1]},
      "attributes":[{"key":"k","value":{"int_value":9007199254740993}},{"key":"j","value":{"doubleValue":12345678901234567890}}]
    }]}]}]}`;
    expect(rowOf(json)).toMatchObject({
      Timestamp: '1544712660000000123',
      Duration: '2',
      TraceId: '5b8efff798038103d269b633813fc60c',
      SpanKind: 'Server',
      SpanName: '',
      SpanAttributes: { k: '9007199254740993', j: '12345678901234567000' },
    });
  });

  test('a lone surrogate becomes a replacement character', () => {
    const row = rowOf(
      JSON.stringify(spansRequest([span({ name: '\ud800!', attributes: [text('\udfff', '\ud800')] })])),
    );
    expect(row).toMatchObject({ SpanName: '\ufffd!', SpanAttributes: { '\ufffd': '\ufffd' } });
  });

  test.each([
    ['a field of the wrong type', { name: 7 }],
    ['a time that is no number', { startTimeUnixNano: 'yesterday' }],
    ['a time of 65 bits', { startTimeUnixNano: '18446744073709551616' }],
    ['an int with a fraction', { attributes: [{ key: 'k', value: { intValue: 1.5 } }] }],
    ['a value that is not wrapped', { attributes: [{ key: 'k', value: 'bare' }] }],
    ['bytes that are not base64', { attributes: [{ key: 'k', value: { bytesValue: '!' } }] }],
    ['attributes as an object', { attributes: { k: 'v' } }],
    ['an enum as a word', { kind: 'SPAN_KIND_SERVER' }],
  ])('%s costs its span only', (_what, changes) => {
    expect(transcodeRequest('traces', spansRequest([span(), span(changes)]))).toMatchObject({
      accepted: 1,
      refused: [{ reason: 'malformed_record', count: 1 }],
    });
  });

  test('a span that is no object is refused alone', () => {
    expect(transcodeRequest('traces', spansRequest([null, 7, [], span()]))).toMatchObject({
      accepted: 1,
      refused: [{ reason: 'malformed_record', count: 3 }],
    });
  });
});

describe('a body that is not OTLP is malformed as a whole', () => {
  test.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['a cut object', '{"resourceSpans":['],
    ['an array', '[]'],
    ['null', 'null'],
    ['another signal', '{"resourceLogs":[]}'],
    ['another object', '{"spans":[]}'],
    ['resources that are no list', '{"resourceSpans":{}}'],
    ['a resource group that is no object', '{"resourceSpans":[1]}'],
    ['spans that are no list', '{"resourceSpans":[{"scopeSpans":[{"spans":"x"}]}]}'],
    ['too many empty arrays', `{"x":[${'[],'.repeat(1_000_000)}[]]}`],
    ['arrays nested too deep', `{"x":${'['.repeat(900_000)}12345678901234567890${']'.repeat(900_000)}}`],
  ])('JSON: %s', (_what, body) => {
    expect(transcode('traces', 'json', Buffer.from(body), CONTEXT)).toMatchObject({
      status: 'malformed',
      message: expect.stringContaining('Not OTLP/JSON'),
    });
  });

  test('JSON that is not UTF-8', () => {
    const body = Buffer.from('{"resourceSpans":[],"x":"\u00e9"}', 'latin1');
    expect(transcode('traces', 'json', body, CONTEXT)).toMatchObject({ status: 'malformed' });
  });

  test.each([
    ['JSON', Buffer.from('{"resourceSpans":[]}')],
    ['zeros', Buffer.alloc(16)],
    ['a cut request', encodeProtobuf('traces', spansRequest([span()])).subarray(0, -1)],
  ])('protobuf: %s', (_what, body) => {
    expect(transcode('traces', 'protobuf', body, CONTEXT)).toMatchObject({
      status: 'malformed',
      message: expect.stringContaining('Not OTLP protobuf'),
    });
  });

  test('an empty request is none of that', () => {
    const nothing = { status: 'ok', blocks: [], accepted: 0, refused: [] };
    for (const signal of ['traces', 'logs', 'metrics'] satisfies Signal[]) {
      expect(transcode(signal, 'protobuf', Buffer.alloc(0), CONTEXT)).toMatchObject(nothing);
      expect(transcode(signal, 'json', Buffer.from('{}'), CONTEXT)).toMatchObject(nothing);
    }
  });
});

describe('a body that was summed before it is added', () => {
  const bodyOf = (name: string): Buffer => encodeProtobuf('traces', spansRequest([span({ name })]));
  const namesIn = (transcoder: Transcoder): unknown[] =>
    transcoder.take().flatMap(({ bytes }) => readBlocks(bytes).map((row) => row['SpanName']));

  test('is added, also when others were summed or added in between', () => {
    const transcoder = new Transcoder();
    const bodies = ['a', 'b', 'c'].map(bodyOf);
    for (const body of bodies) transcoder.checksum(body);
    for (const body of bodies) transcoder.add('traces', 'protobuf', body, CONTEXT);
    for (const body of bodies) {
      transcoder.checksum(body);
      transcoder.add('traces', 'protobuf', body, CONTEXT);
    }

    expect(namesIn(transcoder)).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  test('is read anew where it is added a second time', () => {
    const transcoder = new Transcoder();
    const body = bodyOf('a');
    transcoder.checksum(body);
    transcoder.add('traces', 'protobuf', body, CONTEXT);
    body[body.indexOf('\u0001a') + 1] = 'z'.charCodeAt(0);
    transcoder.add('traces', 'protobuf', body, CONTEXT);

    expect(namesIn(transcoder)).toEqual(['a', 'z']);
  });

  test('has another sum when a byte of it is another', () => {
    const transcoder = new Transcoder();

    expect(transcoder.checksum(bodyOf('a'))).not.toBe(transcoder.checksum(bodyOf('b')));
    expect(transcoder.checksum(bodyOf('a'))).toBe(transcoder.checksum(bodyOf('a')));
  });
});

test.each([
  ['traces', spansRequest, span()],
  ['logs', logsRequest, { timeUnixNano: '1544712660000000001' }],
] as const)('blocks of %s say whether any row belongs to a run', (signal, requestOf, own) => {
  const run = [text('rollcall.run.id', '260102-030405')];
  const hasRuns = (request: object): boolean[] => {
    const result = transcodeRequest(signal, request as JsonRequest, 'protobuf');
    return result.status === 'ok' ? result.blocks.map((block) => block.hasRuns) : [];
  };

  expect(hasRuns(requestOf([own, own]))).toEqual([false]);
  expect(hasRuns(requestOf([own, { ...own, attributes: run }]))).toEqual([true]);
  expect(hasRuns(requestOf([own, own], run))).toEqual([true]);
});

describe('hostile requests cost little', () => {
  test('a large resource repeated on many rows stops at a bound', () => {
    const resource = [text('huge', 'x'.repeat(4 * 1024 * 1024))];
    const result = transcodeRequest(
      'traces',
      spansRequest(
        Array.from({ length: 100 }, () => span()),
        resource,
      ),
    );
    expect(result).toMatchObject({ accepted: 31, refused: [{ reason: 'batch_too_large', count: 69 }] });
  });

  test('one record can not make a row of any length', () => {
    const attributes = [text('k', '\u0000'.repeat(17 * 1024 * 1024))];
    const result = transcodeRequest('traces', spansRequest([span({ attributes }), span()]));
    expect(result).toMatchObject({ accepted: 1, refused: [{ reason: 'record_too_large', count: 1 }] });
  });

  test('a span of empty events is refused before they fill the memory', () => {
    const bytes = delimited(1, delimited(2, delimited(2, Buffer.alloc(200_000, Buffer.from([0x5a, 0])))));
    expect(transcode('traces', 'protobuf', bytes, CONTEXT)).toMatchObject({
      accepted: 0,
      refused: [{ reason: 'record_too_large', count: 1 }],
    });
  });

  test('records beyond half a million are refused unread', () => {
    const bytes = delimited(1, delimited(2, Buffer.alloc(1_200_000, Buffer.from([0x12, 0]))));
    expect(transcode('traces', 'protobuf', bytes, CONTEXT)).toMatchObject({
      refused: [
        { reason: 'invalid_trace_id', count: 500_000 },
        { reason: 'too_many_records', count: 100_000 },
      ],
    });
  });
});
