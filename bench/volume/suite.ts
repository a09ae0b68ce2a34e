/** Measures whether reads cost the same however many raw rows lie below. */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, nextMessage } from '../machine.ts';
import { ROUNDS } from '../reads/million-runs.ts';
import { table, type Suite } from '../report.ts';
import type { Filled, Question } from './project.ts';

/** Raw rows of the projects that are read in turn, ascending; others by BENCH_RAW_ROWS, separated by commas. */
const SIZES = (process.env['BENCH_RAW_ROWS'] ?? '10000000,100000000').split(',').map(Number);
const RUNS = 100_000;

export const volumeSuite: Suite = { name: 'volume', title: 'Volume', run };

interface Project {
  readonly process: ChildProcess;
  readonly filled: Filled;
}

async function run(say: (line: string) => void): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const projects: Project[] = [];
  try {
    for (const size of SIZES) {
      say(`filling ${RUNS.toLocaleString('en')} runs, and ${millions(size)} of raw rows`);
      const child = fork(new URL('project.ts', import.meta.url), [
        join(folder, String(size)),
        String(RUNS),
        String(size),
      ]);
      projects.push({ process: child, filled: await nextMessage<Filled>(child) });
    }
    say('reading, in turns …');
    return await report(projects);
  } finally {
    await Promise.all(projects.map(async ({ process: child }) => stop(child)));
    await rm(folder, { recursive: true, force: true });
  }
}

async function report(projects: readonly Project[]): Promise<string> {
  const reads = projects[0]?.filled.reads ?? [];
  const lines: string[][] = [];
  for (const [read, { name, limitMs }] of reads.entries()) {
    const rounds = await timeInTurn(projects, read);
    const medians = projects.map((_, project) => median(rounds.map((times) => times[project] ?? NaN)));
    const ratio = median(rounds.map((times) => (times.at(-1) ?? NaN) / (times[0] ?? NaN)));
    lines.push([name, ...medians.map((ms) => `${ms.toFixed(1)} ms`), ratio.toFixed(2), `≤ ${limitMs} ms`]);
  }
  const head = ['read', ...SIZES.map((size) => `${millions(size)} rows`), 'last ÷ first', 'aim'];
  return `A project of ${RUNS.toLocaleString('en')} runs, and of raw spans and metric points that belong to them and their clients: seven spans of twelve attributes to three points. However many, all runs have as many as the others. Each size is a service of its own, and they are read in turn, each once more before it is measured. Medians; a ratio is the median of the ratios of each turn. The raw tables of the largest take ${projects.at(-1)?.filled.size ?? '?'}.\n\n${table(head, lines)}`;
}

/**
 * Milliseconds of each project, for each round. Each is read once more before it is measured, where it can be of another
 * run: the processor's caches hold what the other service did last, and a service of its own meets no other.
 */
async function timeInTurn(projects: readonly Project[], read: number): Promise<number[][]> {
  const rounds: number[][] = [];
  for (const round of Array(ROUNDS).keys()) {
    const times: number[] = [];
    for (const { process: child } of projects) {
      await time(child, { read, round: ROUNDS });
      times.push(await time(child, { read, round }));
    }
    rounds.push(times);
  }
  return rounds;
}

async function time(child: ChildProcess, question: Question): Promise<number> {
  const answer = nextMessage<number>(child);
  child.send(question);
  return answer;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.send('stop');
  await ended;
}

function millions(rows: number): string {
  return `${(rows / 1e6).toLocaleString('en')} M`;
}
