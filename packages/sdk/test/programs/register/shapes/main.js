/** Calls functions of many shapes, all of them tracked by the config beside it. */
import { createRequire } from 'node:module';
import { Scorer } from './scorer.ts';

const { api } = createRequire(import.meta.url)('./legacy.cjs');

function nightly(tenants) {
  const sizes = tenants.map((tenant) => sync(tenant));
  return { sizes, total: sizes.reduce((sum, { rows }) => sum + rows, 0), depth: recurse(3) };
}

function sync({ id, rows }) {
  if (id === 42) return { rows, error: `quota of ${rows} rows` };
  return { rows: count(rows), warning: null };
}

const count = (rows) => rows;

function recurse(depth) {
  return depth === 0 ? 0 : 1 + recurse(depth - 1);
}

function* pages() {
  yield 1;
}

const plain = nightly([
  { id: 'acme', rows: 3 },
  { id: 42, rows: 9 },
  { id: undefined, rows: 5 },
]);
const score = await new Scorer('globex').score(7);
const legacy = await api.jobs.harvest(['initech']);
const stack = api.where();
console.log(JSON.stringify({ plain, score, legacy, stack, pages: [...pages()] }));
