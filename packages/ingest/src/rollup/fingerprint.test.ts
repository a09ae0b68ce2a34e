/** Which failures are of one kind. */

import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTemporaryEngine } from '../../test/temporary-engine.ts';
import { migrate } from '../store/migrate.ts';
import type { Engine } from '../store/engine.ts';

let engine: Engine;
let dispose: () => Promise<void>;
let batch = 0;

beforeAll(async () => {
  ({ engine, dispose } = await openTemporaryEngine());
});

afterAll(async () => {
  await dispose();
});

interface Failure {
  readonly type?: string;
  readonly message: string;
  readonly stack?: string;
  readonly clientId?: string;
}

/** Takes them in as events, as ingest does, and reads the fingerprint of each. */
async function fingerprints(failures: readonly Failure[]): Promise<string[]> {
  const runId = String(++batch);
  await engine.command(
    `INSERT INTO otel_logs (Timestamp, ProjectId, RunId, JobName, ClientId, EventName, LogAttributes)
     SELECT now64(9), 'p', {runId:String}, 'job', failure.4, 'rollcall.failure',
         map('exception.type', failure.1, 'exception.message', failure.2, 'exception.stacktrace', failure.3, 'rollcall.event.sequence', toString(number))
     FROM (SELECT arrayJoin(arrayEnumerate({types:Array(String)})) AS number,
         ({types:Array(String)}[number], {messages:Array(String)}[number], {stacks:Array(String)}[number], {clients:Array(String)}[number]) AS failure)`,
    {
      runId,
      types: failures.map(({ type = 'Error' }) => type),
      messages: failures.map(({ message }) => message),
      stacks: failures.map(({ stack = '' }) => stack),
      clients: failures.map(({ clientId = '' }) => clientId),
    },
  );
  const rows = await engine.rows<{ fingerprint: string }>(
    'SELECT fingerprint FROM failure_events FINAL WHERE run_id = {runId:String} ORDER BY sequence',
    { runId },
  );
  expect(rows).toHaveLength(failures.length);
  return rows.map(({ fingerprint }) => fingerprint);
}

/**
 * Checks so many samples of a property: each makes failures, and the fingerprints of these are looked at. All of them go
 * in with one insert, since an insert takes as long for one failure as for a thousand.
 */
async function check<Sample>(
  samples: fc.Arbitrary<Sample>,
  {
    count,
    failures,
    look,
  }: {
    readonly count: number;
    readonly failures: (sample: Sample) => Failure[];
    readonly look: (found: ReadonlySet<string>, sample: Sample) => void;
  },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(samples, { minLength: count, maxLength: count }), async (all) => {
      const made = all.map((sample) => ({ sample, failures: failures(sample) }));
      const found = await fingerprints(made.flatMap((one) => one.failures));
      for (const one of made) look(new Set(found.splice(0, one.failures.length)), one.sample);
    }),
    { numRuns: 1 },
  );
}

const chars = (text: string, minLength: number, maxLength: number) =>
  fc.array(fc.constantFrom(...text.split('')), { minLength, maxLength }).map((letters) => letters.join(''));
const HEX = '0123456789abcdef';
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const WORD_LETTERS = 'abcdefghijklmnopqrtuvwxyz';
const file = fc
  .array(chars(`${WORD_LETTERS}0123456789_-.`, 1, 12), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const time = fc.date({ min: new Date('1971-01-01'), max: new Date('2099-01-01'), noInvalidDate: true });

/** What differs from case to case, by its kind. */
const VALUES: Record<string, fc.Arbitrary<string>> = {
  'whole numbers': fc.integer().map(String),
  decimals: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  'numbers with separators': fc.integer({ min: 0 }).map((value) => value.toLocaleString('en')),
  UUIDs: fc.oneof(
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
  ),
  'hexadecimal IDs': fc.oneof(chars(HEX, 24, 24), chars(HEX, 32, 32), chars(HEX, 40, 64)),
  'Airtable records': chars(BASE62, 14, 14).map((id) => `rec${id}`),
  pointers: chars(HEX, 1, 16).map((id) => `0x${id}`),
  times: fc.oneof(
    time.map((at) => at.toISOString()),
    time.map((at) => at.toISOString().replace('Z', '+02:00')),
    time.map((at) => at.toISOString().slice(0, 19).replace('T', ' ')),
    time.map((at) => at.toISOString().slice(0, 10)),
    time.map(String),
    time.map((at) => at.toUTCString()),
    time.map((at) => at.toLocaleString('en')),
    time.map((at) => at.toISOString().slice(11, 23)),
  ),
  paths: fc.oneof(
    file.map((path) => `/${path}`),
    file.map((path) => `C:\\${path.replaceAll('/', '\\')}`),
    file.map((path) => `./${path}`),
    file.map((path) => `file:///${path}`),
  ),
  'quoted paths': fc.oneof(
    file.map((path) => `'/${path}'`),
    file.map((path) => `'/my files/${path}'`),
  ),
  'mail addresses': fc
    .tuple(chars(WORD_LETTERS, 1, 9), chars(WORD_LETTERS, 1, 9))
    .map(([user, host]) => `${user}@${host}.com`),
  addresses: fc.oneof(
    fc.ipV4(),
    fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([ip, port]) => `${ip}:${port}`),
  ),
  durations: fc
    .tuple(
      fc.integer({ min: 0 }),
      fc.constantFrom('ms', ' ms', 's', ' s', ' seconds', ' min', ' minutes', 'h', ' hours'),
    )
    .map(([value, unit]) => `${value}${unit}`),
  lists: fc.array(fc.integer({ min: 0 }), { minLength: 1, maxLength: 6 }).map((list) => list.join(', ')),
};

/** Words that are words: no month, no unit, no hexadecimal. Without `s`, since plurals are made singular behind numbers. */
const word = chars(WORD_LETTERS, 3, 9).filter(
  (text) => !/^(?:min|day|hour|byte|kib|mib|gib|tib|[a-f]+)/.test(text),
);
const sentence = fc.tuple(
  fc.array(word, { minLength: 1, maxLength: 4 }),
  fc.array(word, { minLength: 0, maxLength: 4 }),
);
const fill = ([before, after]: [string[], string[]], value: string): string =>
  [...before, value, ...after].join(' ');

test.each(Object.entries(VALUES))('%s in a message do not split a group', async (_kind, value) => {
  await check(fc.tuple(sentence, fc.array(value, { minLength: 2, maxLength: 40 })), {
    count: 12,
    failures: ([words, values]) => values.map((one) => ({ message: fill(words, one) })),
    look: (found, sample) => expect(found.size, JSON.stringify(sample)).toBe(1),
  });
});

test('the client in a message does not split a group, whatever its ID', async () => {
  const clientId = fc.oneof(
    fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      // Of punctuation alone it could be any of the message's own.
      .filter((id) => /^\S.*\S$|^\S$/su.test(id) && !/[\p{C}\p{Z}]/u.test(id) && /[\p{L}\p{N}]/u.test(id)),
    fc.constantFrom("O'Neil & Söhne", '-x', '東京 (2)', 'a.b*c', '$1\\2', 'acme', '42', 'Acme-Corp'),
  );
  const samples = fc
    .tuple(sentence, fc.array(clientId, { minLength: 2, maxLength: 20 }))
    .filter(([words, ids]) => !ids.some((id) => id === 'client' || words.flat().includes(id)));
  await check(samples, {
    count: 25,
    failures: ([words, ids]) =>
      ids.map((id) => ({ message: fill(words, `client ${id} ${id} (${id})`), clientId: id })),
    look: (found, sample) => expect(found.size, JSON.stringify(sample)).toBe(1),
  });
});

test('one lead and several leads are one kind, in a list or alone', async () => {
  const found = await fingerprints([
    { message: '1 lead without an owner: 17' },
    { message: '3 leads without an owner: 17, 4, 99' },
    { message: "2 leads without an owner: '17', '4'" },
  ]);

  expect(found[1]).toBe(found[0]);
});

test('messages of different words are different kinds, whatever numbers they hold', async () => {
  const different = fc.uniqueArray(sentence, {
    minLength: 2,
    maxLength: 40,
    selector: (words) => fill(words, '#'),
  });
  await check(fc.tuple(different, fc.oneof(...Object.values(VALUES))), {
    count: 25,
    failures: ([sentences, value]) => sentences.map((words) => ({ message: fill(words, value) })),
    look: (found, [sentences, value]) => expect(found.size, value).toBe(sentences.length),
  });
});

test('errors of different types are different kinds', async () => {
  await check(fc.uniqueArray(word, { minLength: 2, maxLength: 40 }), {
    count: 10,
    failures: (types) => types.map((type) => ({ type, message: 'broken' })),
    look: (found, types) => expect(found.size).toBe(types.length),
  });
});

describe('codes tell errors apart', () => {
  test.each([
    ['Request failed with status code 404', 'Request failed with status code 500'],
    ['HTTP/1.1 429 Too Many', 'HTTP/1.1 503 Too Many'],
    ['python3 ended with code 1', 'python3 ended with code 137'],
    ['SQLSTATE 23505', 'SQLSTATE 42P01'],
    ['ORA-00001: broken', 'ORA-00942: broken'],
    [
      "Cannot read properties of undefined (reading 'id')",
      "Cannot read properties of undefined (reading 'name')",
    ],
    ['GET https://a.example.com/v1/leads/1 failed', 'GET https://b.example.com/v1/leads/1 failed'],
    ['got NaN', 'got 5'],
  ])('%s | %s', async (one, other) => {
    const [first, second] = await fingerprints([{ message: one }, { message: other }]);

    expect(second).not.toBe(first);
  });
});

describe('where it was thrown', () => {
  const thrown = (...frames: string[]): Failure => ({
    message: 'broken',
    stack: ['Error: broken', ...frames.map((frame) => `    at ${frame}`)].join('\n'),
  });

  test('the same place in another release, at another line and below other frames, is the same place', async () => {
    const found = await fingerprints([
      thrown('fetchLeads (/srv/releases/1/src/leads.ts:12:5)', 'main (/srv/releases/1/src/main.ts:1:1)'),
      thrown('fetchLeads (/srv/releases/27/src/leads.ts:98:11)', 'other (/srv/x.ts:1:1)'),
      thrown('async fetchLeads (file:///app/src/leads.ts:7:5)'),
      thrown('Array.map (<anonymous>)', 'fetchLeads (C:\\app\\leads.ts:7:5)'),
      thrown(
        'process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
        'get (/app/node_modules/axios/lib/axios.js:3:3)',
        'async Promise.all (index 0)',
        'async fetchLeads (/app/leads.ts:7:5)',
      ),
    ]);

    expect(new Set(found).size).toBe(1);
  });

  test('another function, another file, or no place at all is another kind', async () => {
    const found = await fingerprints([
      thrown('fetchLeads (/app/leads.ts:12:5)'),
      thrown('storeLeads (/app/leads.ts:12:5)'),
      thrown('fetchLeads (/app/posts.ts:12:5)'),
      { message: 'broken' },
    ]);

    expect(new Set(found).size).toBe(4);
  });

  test('Python and Java name places too, and so do the last lines of a program', async () => {
    const python = (path: string, line: number) =>
      `Traceback (most recent call last):\n  File "/app/main.py", line ${line}, in <module>\n  File "${path}", line ${line}, in score\n  File "/usr/lib/python3.12/json/decoder.py", line 1, in decode\nValueError: broken`;
    const java = (line: number, method: string) =>
      `com.acme.Bad: broken\n\tat java.base/java.util.ArrayList.get(ArrayList.java:${line})\n\tat com.acme.Leads.${method}(Leads.java:${line})`;
    const [py, samePy, printedPy, otherPy, jv, sameJv, otherJv] = await fingerprints(
      [
        python('/app/leads.py', 3),
        python('/srv/2/leads.py', 44),
        python('/app/leads.py', 5).replaceAll(/^/gm, '    | '),
        python('/app/posts.py', 3),
        java(3, 'load'),
        java(44, 'load'),
        java(3, 'store'),
      ].map((stack) => ({ message: 'broken', stack })),
    );

    expect([samePy, printedPy]).toEqual([py, py]);
    expect(otherPy).not.toBe(py);
    expect(sameJv).toBe(jv);
    expect(otherJv).not.toBe(jv);
  });
});

test('what was grouped in the old way is grouped anew, once', async () => {
  await fingerprints([{ message: 'open /a/b.csv failed' }, { message: 'open /c.csv failed' }]);
  const runId = String(batch);
  await engine.command(
    'ALTER TABLE failure_events UPDATE fingerprint = hex(sipHash64(error_message)) WHERE run_id = {runId:String} SETTINGS mutations_sync = 2',
    { runId },
  );
  await engine.command(
    "ALTER TABLE schema_migrations DELETE WHERE name = '006_answers.sql' SETTINGS mutations_sync = 2",
  );
  const applied = await migrate(engine, { rawRetentionDays: 90 });
  const groups = await engine.rows<{ occurrences: string }>(
    'SELECT toString(sum(occurrences)) AS occurrences FROM failure_summaries FINAL WHERE run_id = {runId:String} GROUP BY fingerprint',
    { runId },
  );

  expect(applied.filter(({ outcome }) => outcome === 'applied').map(({ name }) => name)).toEqual([
    '006_answers.sql',
  ]);
  expect(groups).toEqual([{ occurrences: '2' }]);
});
