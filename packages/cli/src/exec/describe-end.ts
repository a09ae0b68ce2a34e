/** Says in words and in codes how a program ended. */

import { drawDuration } from '../print/numbers.ts';
import { exitCodeOf, type ProgramEnd } from './program.ts';

/** An error as a run reports it: its name is what failures are grouped by, its stack the last lines of the program. */
export class ProgramFailure extends Error {
  constructor(name: string, message: string, lastLines: readonly string[] = []) {
    super(message);
    this.name = name;
    this.addLines(lastLines);
  }

  /** Shows these in place of a stack: where our own code stood helps nobody. */
  addLines(lastLines: readonly string[]): void {
    this.stack = [`${this.name}: ${this.message}`, ...lastLines.map((line) => `    | ${line}`)].join('\n');
  }
}

/** What `--timeout` ends a run with; its name makes the run `timed_out`. */
export class ProgramTimeout extends ProgramFailure {
  constructor(subject: string, timeoutMs: number) {
    super('TimeoutError', `${subject} ran for longer than ${drawDuration(timeoutMs)}`);
  }
}

const SIGKILL_CODE = 137;

/** Null where it ended well. */
export function failureOf(
  subject: string,
  { how, isOutOfMemory }: ProgramEnd,
  lastLines: readonly string[],
): ProgramFailure | null {
  const last = lastLines.findLast((line) => line.trim() !== '')?.trim() ?? '';
  const said = last === '' ? '' : `: ${last.length > 200 ? `${last.slice(0, 199)}…` : last}`;
  switch (how.kind) {
    case 'not_started':
      return new ProgramFailure(how.code === 127 ? 'command_not_found' : 'not_executable', how.reason);
    case 'killed':
      return how.signal === 'SIGKILL' && isOutOfMemory
        ? new ProgramFailure(
            'out_of_memory',
            `${subject} was killed by SIGKILL: the kernel was out of memory`,
            lastLines,
          )
        : new ProgramFailure(how.signal, `${subject} was killed by ${how.signal}`, lastLines);
    case 'exited':
      if (how.code === 0) return null;
      // A shell tells so that what it ran was killed.
      return how.code === SIGKILL_CODE && isOutOfMemory
        ? new ProgramFailure(
            'out_of_memory',
            `${subject} ended with code 137: the kernel was out of memory`,
            lastLines,
          )
        : new ProgramFailure(`exit_${how.code}`, `${subject} ended with code ${how.code}${said}`, lastLines);
  }
}

/** What `rollcall exec` ends with when the program ended so. */
export function exitStatusOf({ how }: ProgramEnd): number {
  return how.kind === 'killed' ? exitCodeOf(how.signal) : how.code;
}

/** `python3 job.py`, shortened. */
export function nameOfCommand(command: readonly string[]): string {
  const text = command.join(' ').replaceAll(/\s+/g, ' ').trim();
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
