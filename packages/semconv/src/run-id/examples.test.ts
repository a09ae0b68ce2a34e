/** Runs the examples of the docstrings in this folder and of docs/run-ids.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import * as semconv from '../index.ts';

const page = readFileSync(new URL('../../../../docs/run-ids.md', import.meta.url), 'utf8');
const sources = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(`${import.meta.dirname}/${name}`, 'utf8'));

const examples = [page, ...sources].flatMap((text) =>
  [...text.matchAll(/^[ *]*(\w+\(.*\));? \/\/ => (.+)$/gm)].map(([, call = '', result = '']) => ({
    call,
    result,
  })),
);

// | `form` | `input` | `run ID` | … |
const formRows = [...page.matchAll(/^\| `([\w-]+)` +\| `(.+?)` +\| `([\d-]+)` +\|/gm)].map(
  ([, form = '', input = '', runId = '']) => ({ form, input, runId }),
);

// | `input`, `input` | the reason |, below the heading of refusals
const refusedInputs = [
  ...page.slice(page.indexOf('## What is refused')).matchAll(/^\| `.*?(?= +\| )/gm),
].flatMap(([cell]) => [...cell.matchAll(/`(.+?)`/g)].map(([, input = '']) => ({ input })));

test('the page and the docstrings have examples to run', () => {
  expect(examples.length).toBeGreaterThan(20);
  expect(formRows).toHaveLength(11);
  expect(refusedInputs.length).toBeGreaterThan(10);
});

test.each(examples)('$call is $result', ({ call, result }) => {
  const context = { ...semconv, Date, Promise };
  expect(runInNewContext(call, context)).toEqual(runInNewContext(`(${result})`, context));
});

test.each(formRows)('the page shows $input as $form and converts it to $runId', ({ form, input, runId }) => {
  expect(semconv.convertToStandardFormat(input)).toMatchObject({ form, runId });
});

test.each(refusedInputs)('the page says that $input is refused', ({ input }) => {
  expect(semconv.convertToStandardFormat(input).status).toBe('refused');
});
