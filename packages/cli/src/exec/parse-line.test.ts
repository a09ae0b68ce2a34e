import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLine } from './parse-line.ts';

const ok = (report: object): object => ({ status: 'ok', report });

test.each([
  [
    '::rollcall metric name="Leads Processed" agg=sum value=3 client=acme unit=1',
    ok({ verb: 'metric', name: 'Leads Processed', aggregation: 'sum', value: 3, unit: '1', client: 'acme' }),
  ],
  [
    '::rollcall metric value=-1.5e3 name=\'Odd "name"\' agg=last',
    ok({ verb: 'metric', name: 'Odd "name"', aggregation: 'last', value: -1500, unit: '' }),
  ],
  [
    '::rollcall metric name=Zero value=0',
    ok({ verb: 'metric', name: 'Zero', aggregation: 'sum', value: 0, unit: '' }),
  ],
  ['::rollcall client start id=acme', ok({ verb: 'client start', client: 'acme' })],
  [
    '::rollcall client end id="O\'Brien & co" status=failed reason="said \\"no\\""',
    ok({ verb: 'client end', client: "O'Brien & co", status: 'failed', reason: 'said "no"' }),
  ],
  [
    '::rollcall client end id=acme',
    ok({ verb: 'client end', client: 'acme', status: 'completed', reason: '' }),
  ],
  ['::rollcall expect acme "globex inc" a=b', ok({ verb: 'expect', clients: ['acme', 'globex inc', 'a=b'] })],
  ['::rollcall progress done=3 total=10', ok({ verb: 'progress', done: 3, total: 10 })],
  ['::rollcall\tprogress   done=3', ok({ verb: 'progress', done: 3 })],
  ['::rollcall skip reason="no new leads"', ok({ verb: 'skip', reason: 'no new leads' })],
  ['::rollcall skip', ok({ verb: 'skip', reason: 'nothing to do' })],
  ['::rollcall note 3 rows had no date', ok({ verb: 'note', text: '3 rows had no date' })],
  [
    '::rollcall note client=acme rate=low today',
    ok({ verb: 'note', text: 'rate=low today', client: 'acme' }),
  ],
])('%s is understood', (line, reading) => {
  expect(parseLine(line)).toEqual(reading);
});

test.each([
  ['::rollcall', 'a verb is missing'],
  ['::rollcall metrc name=x', "unknown verb 'metrc'"],
  ['::rollcall metric value=3', 'needs name='],
  ['::rollcall metric name=x', 'needs value='],
  ['::rollcall metric name=x value=three', "value is a number, not 'three'"],
  ['::rollcall metric name=x value=NaN', "value is a number, not 'NaN'"],
  ['::rollcall metric name=x value=', "value is a number, not ''"],
  ['::rollcall metric name=x value=1e999', 'value is a number'],
  ['::rollcall metric name=x value=1 value=2', 'value is given twice'],
  ['::rollcall metric name=x value=1 colour=red', "does not take 'colour'"],
  ['::rollcall metric name=x value=1 agg=avg', 'agg is sum, min, max, last'],
  ['::rollcall metric name="x value=1', 'the closing " is missing'],
  ['::rollcall metric name="x"y value=1', 'something follows'],
  ['::rollcall client id=acme', "'start' or 'end'"],
  ['::rollcall client start', 'needs id='],
  ['::rollcall client start id=""', 'id:'],
  ['::rollcall client end id=acme status=done', 'status is completed'],
  ['::rollcall expect', 'needs client IDs'],
  ['::rollcall progress done=-1', 'done is a number from 0'],
  ['::rollcall note', 'needs words'],
])('%s is malformed, and it is said why', (line, reason) => {
  const reading = parseLine(line);

  expect(reading.status).toBe('malformed');
  expect(reading).toHaveProperty('reason', expect.stringContaining(reason));
});

test.each([
  '',
  'all done',
  ' ::rollcall note x',
  '::rollcallx note',
  'say ::rollcall note x',
  '::ROLLCALL note x',
])("'%s' is an ordinary line", (line) => {
  expect(parseLine(line)).toEqual({ status: 'none' });
});

test('no line whatever makes it throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(['ok', 'malformed']).toContain(parseLine(`::rollcall ${text}`).status);
    }),
  );
});

test('any text comes through double quotes, once quotes and backslashes are escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
      const quoted = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
      const reading = parseLine(`::rollcall skip reason="${quoted}"`);

      expect(reading).toEqual(ok({ verb: 'skip', reason: text }));
    }),
  );
});
