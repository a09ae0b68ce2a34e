/** Tells whether the kernel killed something for want of memory. */

import { readFileSync } from 'node:fs';

/** Watches the counts of the control groups that a process was seen in; without any, that of the whole machine. */
export class OomWatch {
  readonly #root: string;
  /** Kills that had been counted when a file was first read. */
  readonly #before = new Map<string, number>();

  /** `root` stands before `/proc` and `/sys`. */
  constructor(root = '') {
    this.#root = root;
  }

  /** To be called now and then: a process may move to another group. */
  look(pid: number): void {
    const sources = this.#groupsOf(pid).filter((path) => countIn(path) !== undefined);
    for (const path of sources.length > 0 ? sources : [`${this.#root}/proc/vmstat`]) {
      const count = countIn(path);
      if (count !== undefined && !this.#before.has(path)) this.#before.set(path, count);
    }
  }

  /** Whether any of the counts has risen. */
  get rose(): boolean {
    return [...this.#before].some(([path, before]) => (countIn(path) ?? 0) > before);
  }

  /** The files of version 1 and 2; in a container the own group stands at the top. */
  #groupsOf(pid: number): string[] {
    const groups = read(`${this.#root}/proc/${pid}/cgroup`) ?? '';
    const memory = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:\/(.*)$/m.exec(groups)?.[1];
    const unified = /^0::\/(.*)$/m.exec(groups)?.[1];
    const folder = `${this.#root}/sys/fs/cgroup`;
    return [
      ...(memory === undefined ? [] : [`${folder}/memory/${memory}/memory.oom_control`]),
      ...(unified === undefined ? [] : [`${folder}/${unified}/memory.events`]),
    ];
  }
}

function countIn(path: string): number | undefined {
  const count = /^oom_kill (\d+)$/m.exec(read(path) ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
