/** Measures what the SDK costs the job that it watches; each figure comes from a process of its own. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { table, type Suite } from '../report.ts';

const PROGRAMS = ['client-run', 'metric-update', 'heartbeats', 'memory'];

export const sdkSuite: Suite = {
  name: 'sdk',
  title: 'SDK',
  run: async (say) => {
    const rows: string[][] = [];
    for (const program of PROGRAMS) {
      say(program);
      const figures = await runProgram(program);
      for (const [figure, value] of Object.entries(figures)) {
        if (figure !== 'bench' && figure !== 'machine') rows.push([program, figure, String(value)]);
      }
    }
    return table(['what', 'figure', 'value'], rows);
  },
};

/** Each prints one line of JSON. */
async function runProgram(name: string): Promise<Record<string, unknown>> {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=rollcall-source',
    '--expose-gc',
    file,
  ]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
}
