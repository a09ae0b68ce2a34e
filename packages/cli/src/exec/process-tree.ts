/** Looks at a process and everything it started, by /proc; where there is none, knows the process alone. */

import { readdirSync, readFileSync } from 'node:fs';

interface Stat {
  readonly parent: number;
  /** Clock ticks since the machine started: tells a process from a later one with its ID. */
  readonly startTicks: string;
  readonly isZombie: boolean;
}

/** Remembers every process that it has seen in the tree: one whose parent died belongs to it still. */
export class ProcessTree {
  readonly root: number;
  readonly #known = new Map<number, string>();

  constructor(root: number) {
    this.root = root;
    const stat = readStat(root);
    if (stat !== undefined) this.#known.set(root, stat.startTicks);
  }

  /** Finds what was started since. */
  refresh(): void {
    const stats = new Map<number, Stat>();
    for (const pid of listProcesses()) {
      const stat = readStat(pid);
      if (stat !== undefined) stats.set(pid, stat);
    }
    for (const pid of this.#known.keys()) {
      if (stats.get(pid)?.startTicks !== this.#known.get(pid)) this.#known.delete(pid);
    }
    // Parents may come after their children in the list.
    for (let before = -1; before !== this.#known.size;) {
      before = this.#known.size;
      for (const [pid, { parent, startTicks }] of stats) {
        if (this.#known.has(parent)) this.#known.set(pid, startTicks);
      }
    }
  }

  /** Those that live, as last refreshed. */
  living(): number[] {
    return [...this.#known].flatMap(([pid, startTicks]) => {
      const stat = readStat(pid);
      return stat?.startTicks === startTicks && !stat.isZombie ? [pid] : [];
    });
  }

  /** Sends a signal to all of them. What was never seen to live, or is gone, is left alone. */
  signal(signal: NodeJS.Signals): void {
    this.refresh();
    for (const pid of this.living()) send(pid, signal);
  }

  /** Bytes that all of them use now, and the most that any one of them ever used. */
  memory(): { rssBytes: number; largestPeakBytes: number } {
    let rssBytes = 0;
    let largestPeakBytes = 0;
    for (const pid of this.#known.keys()) {
      const status = read(`/proc/${pid}/status`) ?? '';
      rssBytes += kibibytes(status, 'VmRSS');
      largestPeakBytes = Math.max(largestPeakBytes, kibibytes(status, 'VmHWM'));
    }
    return { rssBytes, largestPeakBytes };
  }
}

/** Seconds of processor time of all children that this process has waited for, and of theirs. */
export function childrenCpuSeconds(): number {
  const fields = fieldsOf(read('/proc/self/stat') ?? '');
  return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / CLOCK_TICKS_PER_SECOND;
}

/** Whether this process is of the group that a terminal sends Ctrl-C to: its children have heard it then. */
export function isInForeground(): boolean {
  const fields = fieldsOf(read('/proc/self/stat') ?? '');
  return fields[2] !== undefined && fields[2] === fields[5];
}

/** What Linux has told programs since 2.4, whatever its own ticks. */
const CLOCK_TICKS_PER_SECOND = 100;

function listProcesses(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readStat(pid: number): Stat | undefined {
  const fields = fieldsOf(read(`/proc/${pid}/stat`) ?? '');
  const [state, parent] = fields;
  const startTicks = fields[19];
  if (parent === undefined || startTicks === undefined) return undefined;
  return { parent: Number(parent), startTicks, isZombie: state === 'Z' || state === 'X' };
}

/** The fields from the third on: the second, the name, may hold spaces and parentheses. */
function fieldsOf(stat: string): string[] {
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).trim();
  return afterName === '' ? [] : afterName.split(' ');
}

function kibibytes(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone since, or somebody else's: there is nothing to be done about either.
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
