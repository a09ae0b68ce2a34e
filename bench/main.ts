/** `npm run bench [-- SUITE…]`: runs the suites that are named, or all, and writes `bench/report.md`. */
import { readFile, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { format } from 'oxfmt';
import { describeMachine } from './machine.ts';
import { mergeSections, type Suite } from './report.ts';
import { ingestSuite } from './ingest/suite.ts';
import { readsSuite } from './reads/suite.ts';
import { schemaSuite } from './schema/suite.ts';
import { sdkSuite } from './sdk/suite.ts';
import { soakSuite } from './soak/suite.ts';
import { volumeSuite } from './volume/suite.ts';

/** Each is a folder beside this file. */
const SUITES: readonly Suite[] = [ingestSuite, readsSuite, volumeSuite, schemaSuite, soakSuite, sdkSuite];
const REPORT = new URL('report.md', import.meta.url);

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !SUITES.some((suite) => suite.name === name));
if (unknown !== undefined) {
  console.error(`Unknown suite '${unknown}'; there are: ${SUITES.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
for (const suite of SUITES.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n# ${suite.title}`);
  const [loadBefore = 0] = loadavg();
  const section = await suite.run((line) => console.log(line));
  const before = await readFile(REPORT, 'utf8').catch(() => '');
  const heading = `Machine: ${describeMachine()}. Node ${process.version}. ${new Date().toISOString().slice(0, 10)}. Load average before: ${loadBefore.toFixed(1)}.`;
  const report = mergeSections(before, suite, `${heading}\n\n${section}`);
  // As `npm run check` wants it.
  const { code } = await format('report.md', report);
  await writeFile(REPORT, code);
}
console.log('\nWritten to bench/report.md');
