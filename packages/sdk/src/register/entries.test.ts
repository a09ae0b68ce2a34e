import { expect, test } from 'vitest';
import { readEntries } from './entries.ts';

test('an entry reads clients, numbers and failures where the config says', () => {
  const problems: string[] = [];
  const [entry] = readEntries(
    {
      clientRuns: [
        {
          module: './a.js',
          export: 'Scorer.prototype.score',
          clientId: 'this.tenant',
          failed: 'error',
          metrics: { Rows: 'rows', Calls: 1, Slowest: { max: (result: { ms: number }) => result.ms } },
        },
      ],
    },
    problems,
  );
  const call = { args: [1], self: { tenant: 'acme' } };

  expect(problems).toEqual([]);
  expect(entry?.path).toEqual(['Scorer', 'score']);
  expect(entry?.clientId?.(call)).toBe('acme');
  expect(entry?.failed?.({ error: 'no' }, call)).toBe('no');
  expect(
    entry?.metrics.map(({ metric, aggregation, read }) => [
      metric,
      aggregation,
      read({ rows: 3, ms: 9 }, call),
    ]),
  ).toEqual([
    ['Rows', 'sum', 3],
    ['Calls', 'sum', 1],
    ['Slowest', 'max', 9],
  ]);
});

test.each([
  [{ jobs: {} }, 'jobs is an object; use a list of { module, export }'],
  [{ jobs: ['main'] }, 'jobs[0] is the string "main"; use { module'],
  [{ jobs: [{ export: 'main' }] }, 'jobs[0].module is undefined; use a file'],
  [{ jobs: [{ module: './a.js' }] }, "jobs[0].export is undefined; use the function's name"],
  [{ jobs: [{ module: './a.js', export: 'main', client: 0 }] }, 'jobs[0].client means nothing there'],
  [
    { clientRuns: [{ module: './a.js', export: 'main' }] },
    'clientRuns[0].clientId is undefined; use an argument',
  ],
  [
    { steps: [{ module: './a.js', export: 'main', metrics: { Rows: { avg: 'x' } } }] },
    "steps[0].metrics['Rows'] is an object",
  ],
  [{ steps: [{ module: './a.js', export: 'main', failed: true }] }, 'steps[0].failed is'],
])('%j is named as wrong', (config, words) => {
  const problems: string[] = [];
  readEntries(config, problems);

  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(words);
});

test('what is right beside what is wrong still counts', () => {
  const problems: string[] = [];
  const entries = readEntries({ jobs: [{}, { module: './a.js', export: 'main' }] }, problems);

  expect(entries).toMatchObject([{ place: 'jobs[1]', name: 'main' }]);
  expect(problems).toHaveLength(2);
});
