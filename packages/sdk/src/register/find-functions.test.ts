import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findFunctions } from './find-functions.ts';

/** Runs transformed CommonJS code, and tells which functions its calls went through. */
function run(code: string): { calls: string[]; result: unknown; exports: Record<string, unknown> } {
  const calls: string[] = [];
  const track = (ids: string, value: unknown): unknown =>
    typeof value === 'function' && ids !== ''
      ? new Proxy(value, {
          apply: (target, self, args) => {
            calls.push(`${ids} ${target.name}`);
            return Reflect.apply(target as () => unknown, self, args) as unknown;
          },
        })
      : value;
  const registry = {
    wrap: track,
    wrapMembers: (ids: string, members: Record<string, unknown>) => {
      for (const [name, member] of Object.entries(members)) members[name] = track(ids, member);
      return members;
    },
  };
  const place = Symbol.for('rollcall.register');
  Reflect.set(globalThis, place, registry);
  const module = { exports: {} as Record<string, unknown> };
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval -- the code is what is tested
  const body = new Function(
    'module',
    'exports',
    `${code}\n;return typeof result === 'undefined' ? undefined : result;`,
  );
  const result = body(module, module.exports) as unknown;
  Reflect.deleteProperty(globalThis, place);
  return { calls, result, exports: module.exports };
}

describe('a call by the module itself goes through', () => {
  test.each([
    ['a declared function, also before its declaration', 'main(); function main() {}', 'main'],
    ['a function after directives', "'use strict';\nmain();\nfunction main() {}", 'main'],
    ['an async function', 'main(); async function main() {}', 'main'],
    ['an arrow in a variable', 'const main = () => {}; main();', 'main'],
    ['a function expression', 'var main = function () {}; main();', 'main'],
    ['a variable that is exported at once', 'const main = exports.main = () => {}; main();', 'main'],
    ['a variable that is assigned later', 'let main; main = () => {}; main();', 'main'],
    ['an exported member', 'exports.main = () => {}; exports.main();', 'main'],
    ['a member of module.exports', 'module.exports.main = function () {}; module.exports.main();', 'main'],
    ['a member of the exported object', 'module.exports = { main() {} }; module.exports.main();', 'main'],
    ['an exported alias', 'function work() {}\nmodule.exports = { main: work }; work();', 'main'],
    ['another alias', 'exports.main = work; work(); function work() {}', 'main'],
    ['the export itself', 'module.exports = async () => {}; module.exports();', 'default'],
    ['the export itself, by its name', 'module.exports = function main() {}; module.exports();', 'main'],
  ])('%s', (_, source, name) => {
    const { code, found } = findFunctions(source, [{ id: 7, path: [name] }], 'commonjs');
    const { calls } = run(code);

    expect(found).toEqual(new Set([7]));
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatch(/^7 /);
  });
});

test('a function keeps its name, so that stacks read as before', () => {
  const { code } = findFunctions(
    'const main = () => {}; const result = main.name;',
    [{ id: 1, path: ['main'] }],
    'commonjs',
  );

  expect(run(code).result).toBe('main');
});

test.each([
  ['export default function () {}', 'default'],
  ['export default function main() {}', 'default'],
  ['export default function main() {}', 'main'],
  ['export default async () => {};', 'default'],
  ['export default class { score() {} }', 'default'],
  ['export default class Scorer { score() {} }', 'Scorer'],
  ['export default { score() {} };', 'default'],
  ['export const main = async () => {};', 'main'],
  ['export async function main() {}', 'main'],
  ['function work() {}\nexport { work as main };', 'main'],
  ["#!/usr/bin/env node\nimport 'node:fs';\nawait main();\nasync function main() {}", 'main'],
])('in an ES module, %j is found as %s', (source, name) => {
  const { code, found } = findFunctions(source, [{ id: 3, path: [name, 'score'] }], 'module');

  expect(found).toEqual(new Set([3]));
  expect(code).toContain('.wrap("3",');
  // It is still JavaScript.
  expect(findFunctions(code, [], 'module').code).toBe(code);
});

test('what is not there is not found, and the names that are there are told', () => {
  const source =
    "import { score } from './score.js';\nexport * from './x.js';\nexport { a as b } from './a.js';\nconst y = 1, { z } = {};\nfunction main() { function inner() {} }";
  const found = findFunctions(source, [{ id: 1, path: ['inner'] }], 'module');

  expect(found).toMatchObject({ code: source, found: new Set(), names: ['y', 'main'] });
  expect(found.imported).toEqual(
    new Map([
      ['score', './score.js'],
      ['b', './a.js'],
    ]),
  );
});

test('lines stay where they are, whatever is inserted', () => {
  const statement = fc.constantFrom(
    'function main() {\n  return 1;\n}',
    'const arrow = async () => {\n  await 1;\n};',
    'class Scorer {\n  score() {}\n}',
    'exports.main = function () {\n};',
    'module.exports = {\n  main,\n  arrow() {},\n};',
    '// a comment',
    "'use strict';",
    'main();',
    '',
  );
  const wanted = ['main', 'arrow', 'Scorer', 'default'].map((name, id) => ({ id, path: [name] }));
  fc.assert(
    fc.property(fc.uniqueArray(statement, { maxLength: 9 }), (statements) => {
      const source = statements.join('\n');
      const { code } = findFunctions(source, wanted, 'commonjs');
      const lines = code.split('\n');
      expect(lines).toHaveLength(source.split('\n').length);
      for (const [index, line] of source.split('\n').entries()) {
        expect(isPartOf(line, lines[index] ?? '')).toBe(true);
      }
    }),
  );
});

/** Whether a text is left when others are taken out of the whole. */
function isPartOf(text: string, whole: string): boolean {
  let at = 0;
  for (const character of whole) if (character === text[at]) at++;
  return at === text.length;
}
