/** Holds our expansion of queries against what the documentation of the data source says it does. */

import { expect, test } from 'vitest';
import { expandQuery, type QueryContext } from './expand-query.ts';

const CONTEXT: QueryContext = {
  variables: { database: ['db1', "it's"], all: ['$__all'], one: 'plain', client: `O'Brien \\ (x)` },
  fromMs: 1_415_792_726_123,
  toMs: 1_447_328_726_456,
  intervalMs: 20_000,
};
const expand = (sql: string): string => expandQuery(sql, CONTEXT);

test.each([
  ['$__timeFilter(time)', 'time >= toDateTime(1415792726) AND time <= toDateTime(1447328726)'],
  [
    '$__timeFilter_ms(time)',
    'time >= fromUnixTimestamp64Milli(1415792726123) AND time <= fromUnixTimestamp64Milli(1447328726456)',
  ],
  ['x > $__fromTime AND y', 'x > toDateTime(1415792726) AND y'],
  ['$__toTime', 'toDateTime(1447328726)'],
  ['$__fromTime_ms', 'fromUnixTimestamp64Milli(1415792726123)'],
  ['$__toTime_ms', 'fromUnixTimestamp64Milli(1447328726456)'],
  ['$__interval_s', '20'],
  ['$__timeInterval(column)', 'toStartOfInterval(toDateTime(column), INTERVAL 20 second)'],
  [
    '$__timeInterval(assumeNotNull(column))',
    'toStartOfInterval(toDateTime(assumeNotNull(column)), INTERVAL 20 second)',
  ],
])('%s becomes what the documentation says', (macro, sql) => {
  expect(expand(macro)).toBe(sql);
});

test('a condition on a variable stays, and falls away where All is chosen', () => {
  expect(expand('$__conditionalAll(a IN (${database:singlequote}), $database)')).toBe(
    "a IN ('db1','it\\'s')",
  );
  expect(expand('$__conditionalAll(a IN (${all:singlequote}), $all) AND b')).toBe('1=1 AND b');
});

test('a variable is written in its format', () => {
  expect(expand("'$one' ${one} ${database}")).toBe("'plain' plain 'db1','it's'");
  expect(expand("decodeURLComponent('${client:percentencode}')")).toBe(
    "decodeURLComponent('O%27Brien%20%5C%20%28x%29')",
  );
});

test('a macro without arguments swallows brackets that open behind it, as the plugin does', () => {
  expect(expand('formatDateTime($__fromTime, 1) AND f(x)')).toBe(
    'formatDateTime(toDateTime(1415792726), 1) AND f(x)',
  );
  expect(expand('$__fromTime AND f(x)')).toBe('toDateTime(1415792726)');
});

test('what Grafana would not understand is refused', () => {
  expect(() => expand("$__timeInterval(parse(a, 'b'))")).toThrow(/takes one argument, not 2/);
  expect(() => expand('$__conditionalAll(a, ${all:singlequote})')).toThrow(/plain variable/);
  expect(() => expand('${all:singlequote}')).toThrow(/All is chosen/);
  expect(() => expand('$__adHoc(a)')).toThrow(/no macro/);
});
