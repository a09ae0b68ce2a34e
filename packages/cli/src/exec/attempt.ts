/** Runs a program once, as a job run or as a part of one, and tells what became of it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { context, logs, SeverityNumber } from '@opentelemetry/api';
import type { Client, Rollcall, Run, Step } from '@rollcall/sdk';
import { ATTR, EVENT } from '@rollcall/semconv';
import { drawDuration, drawNumber } from '../print/numbers.ts';
import { captureOutput, type Capture } from './capture.ts';
import { exitStatusOf, failureOf, nameOfCommand, ProgramFailure, ProgramTimeout } from './describe-end.ts';
import { programEnvironment, type Destination } from './environment.ts';
import { LineReports } from './line-reports.ts';
import { OutputLog } from './output-log.ts';
import { LINE_PREFIX, parseLine } from './parse-line.ts';
import type { ExecPlan } from './plan.ts';
import { isInForeground } from './process-tree.ts';
import { exitCodeOf, Program, type ProgramEnd } from './program.ts';
import type { Roster } from './roster.ts';
import type { StopSignals } from './signals.ts';

export interface AttemptOptions {
  readonly rollcall: Rollcall;
  readonly plan: ExecPlan;
  readonly destination: Destination;
  readonly roster: Roster | undefined;
  readonly signals: StopSignals;
  readonly setUnit: (metric: string, unit: string) => void;
  readonly env: NodeJS.ProcessEnv;
  /** The attempt before, and how long to wait after it. */
  readonly before: { readonly run: Run | undefined; readonly pauseMs: number } | undefined;
}

export interface Attempt {
  readonly run: Run | undefined;
  readonly exitCode: number;
  /** Whether another attempt may do better. */
  readonly mayRetry: boolean;
}

/** As for timeout(1). */
const TIMED_OUT_CODE = 124;
const LAST_LINES_IN_FAILURE = 20;
const MEMORY_METRIC = 'process.memory.peak';
const CPU_METRIC = 'process.cpu.time';

/** Throws what the program is not to blame for. */
export async function runAttempt(options: AttemptOptions): Promise<Attempt> {
  const { rollcall, plan, signals, roster, before } = options;
  const cancel = new AbortController();
  let run: Run | undefined;
  let outcome: Omit<Attempt, 'run'> = { exitCode: 1, mayRetry: false };
  const hangUp = signals.listen((signal) => cancel.abort(cancelledBy(signal)));
  if (signals.first !== undefined) cancel.abort(cancelledBy(signals.first));
  try {
    await rollcall.job(
      plan.job,
      async (jobRun) => {
        run = jobRun;
        if (roster?.status === 'unreadable') jobRun.note('roster_unreadable', 'expect', roster.reason);
        const work = async (own: Client | undefined): Promise<void> => {
          outcome = await supervise(options, { run: jobRun, own, cancel });
        };
        if (plan.client === undefined) await work(undefined);
        else await jobRun.client(plan.client, work);
      },
      {
        signal: cancel.signal,
        ...plan.declared,
        ...(plan.runId === undefined ? {} : { runId: plan.runId }),
        ...(roster?.status === 'ok' ? { expect: roster.clientIds } : {}),
        ...(before?.run === undefined ? {} : { retryOf: before.run }),
      },
    );
  } catch (error) {
    if (!(error instanceof FailedAttempt)) throw error;
    ({ outcome } = error);
  } finally {
    hangUp();
  }
  return { run, ...outcome };
}

/** Carries the failure through the run, which reports it, and the outcome to the caller. */
class FailedAttempt extends ProgramFailure {
  readonly outcome: Omit<Attempt, 'run'>;

  constructor(failure: ProgramFailure, outcome: Omit<Attempt, 'run'>) {
    super(failure.name, failure.message);
    if (failure.stack !== undefined) this.stack = failure.stack;
    this.outcome = outcome;
  }
}

interface Place {
  readonly run: Run;
  readonly own: Client | undefined;
  readonly cancel: AbortController;
}

async function supervise(options: AttemptOptions, place: Place): Promise<Omit<Attempt, 'run'>> {
  const { plan, signals, before } = options;
  const target = place.own ?? place.run;
  if (before !== undefined && before.pauseMs > 0) {
    await target.step('wait before another attempt', async () => {
      await sleep(before.pauseMs, undefined, { signal: place.cancel.signal }).catch(() => undefined);
    });
  }
  if (signals.first !== undefined) return { exitCode: exitCodeOf(signals.first), mayRetry: false };
  return target.step(plan.program, async (step) => watch(options, place, step));
}

async function watch(
  { rollcall, plan, destination, signals, setUnit, env }: AttemptOptions,
  { run, own, cancel }: Place,
  step: Step,
): Promise<Omit<Attempt, 'run'>> {
  const subject = nameOfCommand(plan.command);
  const target = own ?? run;
  const reports = new LineReports({ run, own, setUnit });
  const output = new OutputLog({ backlog: () => rollcall.backlog });
  const capture = plan.isCapturing ? openCapture(plan, reports, output) : undefined;
  const childEnv = programEnvironment(env, destination, target.attempt);
  const program = new Program(plan.command, { env: childEnv, capture, graceMs: plan.graceMs });
  const hangUp = signals.listen((signal) => {
    // A terminal has sent Ctrl-C to the program as well, and twice is once too often.
    if (signal !== 'SIGINT' || !isInForeground()) program.signal(signal);
  });
  let timeout: ProgramTimeout | undefined;
  const timer =
    plan.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timeout = new ProgramTimeout(subject, plan.timeoutMs ?? 0);
          cancel.abort(timeout);
          program.stop();
        }, plan.timeoutMs);
  const end = await program.ended;
  clearTimeout(timer);
  hangUp();

  output.finish();
  const lastLines = output.lastLines;
  tellEnd(target, step, subject, end, lastLines);
  noteOutput(run, output);
  const failure = failureOf(subject, end, lastLines.slice(-LAST_LINES_IN_FAILURE));
  if (cancel.signal.aborted) {
    const isTimeout = timeout !== undefined && cancel.signal.reason === timeout;
    if (isTimeout) timeout?.addLines(lastLines.slice(-LAST_LINES_IN_FAILURE));
    await reports.finish({ how: 'stopped' });
    return isTimeout
      ? { exitCode: TIMED_OUT_CODE, mayRetry: true }
      : { exitCode: exitStatusOf(end), mayRetry: false };
  }
  await reports.finish(failure === null ? { how: 'well' } : { how: 'failed', why: failure.message });
  const outcome = {
    exitCode: exitStatusOf(end),
    mayRetry: failure !== null && end.how.kind !== 'not_started',
  };
  if (failure !== null) throw new FailedAttempt(failure, outcome);
  return outcome;
}

function openCapture(plan: ExecPlan, reports: LineReports, output: OutputLog): Capture {
  return captureOutput({
    isQuiet: plan.isQuiet,
    onLine: (line, stream) => {
      // Most lines are none of ours, and decoding all of them costs.
      const isMeant =
        line.bytes[0] === 0x3a && line.bytes.toString('latin1', 0, LINE_PREFIX.length) === LINE_PREFIX;
      const reading = isMeant ? parseLine(line.bytes.toString()) : { status: 'none' as const };
      if (reading.status !== 'none') {
        const isWhole = line.lostBytes === 0;
        reports.take(
          isWhole
            ? reading
            : { status: 'malformed', reason: `a line for Rollcall is too long by ${line.lostBytes} bytes` },
        );
      }
      if (reading.status !== 'ok') output.take(line, stream, reports.context);
    },
  });
}

/** What is known from outside: as an event with its last lines, as attributes of the step, and as numbers over time. */
function tellEnd(
  target: Run | Client,
  step: Step,
  subject: string,
  end: ProgramEnd,
  lastLines: readonly string[],
): void {
  const { how, peakMemoryBytes, cpuSeconds, durationMs } = end;
  const attributes = {
    ...(how.kind === 'killed' ? { [ATTR.PROGRAM_SIGNAL]: how.signal } : { 'process.exit.code': how.code }),
    [ATTR.PROGRAM_MEMORY_PEAK]: peakMemoryBytes,
    [ATTR.PROGRAM_CPU_TIME]: cpuSeconds,
  };
  step.set({ 'process.command': subject, ...attributes });
  if (how.kind === 'not_started') return;
  if (peakMemoryBytes > 0) target.max(MEMORY_METRIC, peakMemoryBytes);
  target.count(CPU_METRIC, cpuSeconds);
  const ending = how.kind === 'killed' ? `was killed by ${how.signal}` : `ended with code ${how.code}`;
  logs.getLogger('rollcall.exec').emit({
    eventName: EVENT.PROGRAM_ENDED,
    timestamp: Date.now(),
    severityNumber: SeverityNumber.INFO,
    severityText: 'INFO',
    body: `${subject} ${ending} after ${drawDuration(durationMs)}, with ${drawNumber(Math.round(cpuSeconds * 100) / 100)} s of processor time and ${drawNumber(Math.round(peakMemoryBytes / 1024 ** 2))} MiB at its peak`,
    context: context.active(),
    attributes: { ...attributes, 'process.command': subject, [ATTR.PROGRAM_LAST_LINES]: [...lastLines] },
  });
}

function noteOutput(run: Run, output: OutputLog): void {
  const { untold, binary } = output.counts;
  if (untold > 0)
    run.note(
      'output_left_out',
      'output',
      `${drawNumber(untold)} lines of output were not kept: there were too many`,
    );
  if (binary > 0)
    run.note(
      'output_binary',
      'output',
      `${drawNumber(binary)} lines of output are no text and were not kept`,
    );
}

function cancelledBy(signal: NodeJS.Signals): Error {
  return new ProgramFailure('Cancelled', `${signal} was sent to rollcall exec`);
}
