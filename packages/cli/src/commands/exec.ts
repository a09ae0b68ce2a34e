/** `rollcall exec`: runs any program under a run, and ends as the program ends. */

import { context, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { defineMetrics, startRollcall, type MetricDefinition } from '@rollcall/sdk';
import { runAttempt, type Attempt } from '../exec/attempt.ts';
import { findDestination } from '../exec/destination.ts';
import { readPlan, type ExecOptions } from '../exec/plan.ts';
import { readRoster, type Roster } from '../exec/roster.ts';
import { StopSignals } from '../exec/signals.ts';

const LONGEST_PAUSE_MS = 5 * 60_000;

/** Sets the exit code: the program's own, 128 and the signal's number, 124 after a timeout, 126 and 127 as a shell. */
export async function exec(command: readonly string[], options: ExecOptions): Promise<void> {
  const { env } = process;
  const plan = readPlan(command, options, env);
  const signals = new StopSignals();
  const destination = await findDestination(options, env);
  const units = new Map<string, string>();
  const rollcall = startRollcall({
    endpoint: destination.endpoint,
    ...(destination.apiKey === undefined ? {} : { apiKey: destination.apiKey }),
    serviceName: env['OTEL_SERVICE_NAME'] || plan.program,
    metrics: metricsWith(units),
    // They are passed on to the program, and its end tells what they did.
    handleSignals: false,
  });
  const roster = plan.rosterFile === undefined ? undefined : await readRoster(plan.rosterFile);
  warn(roster);
  let before: { run: Attempt['run']; pauseMs: number } | undefined;
  for (let left = plan.retries; ; left--) {
    const attempt = await context.with(outerContext(env), async () =>
      runAttempt({
        rollcall,
        plan,
        destination,
        roster,
        signals,
        env,
        before,
        setUnit: (metric, unit) => units.set(metric.trim(), unit),
      }),
    );
    process.exitCode = attempt.exitCode;
    if (left === 0 || !attempt.mayRetry || signals.first !== undefined) break;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, plan.retryDelayMs * 2 ** (plan.retries - left));
    before = { run: attempt.run, pauseMs };
    process.stderr.write(`rollcall: ${plan.program} ended with ${attempt.exitCode}; ${left} more to try\n`);
  }
}

/** Units are told line by line, so nothing can be declared before. */
function metricsWith(units: ReadonlyMap<string, string>): MetricDefinition {
  const none = defineMetrics({});
  return {
    ...none,
    find: (name) => {
      const unit = units.get(name);
      return unit === undefined ? undefined : { name, aggregation: 'sum', unit };
    },
  };
}

/** The run begins below the span that this process was started in: a scheduler's, or that of another run. */
function outerContext(env: NodeJS.ProcessEnv): Context {
  const carrier = { traceparent: env['TRACEPARENT'] ?? '', baggage: env['BAGGAGE'] ?? '' };
  const getter = {
    keys: () => Object.keys(carrier),
    get: (of: typeof carrier, key: string) => of[key as keyof typeof carrier],
  };
  const traced = new W3CTraceContextPropagator().extract(ROOT_CONTEXT, carrier, getter);
  return new W3CBaggagePropagator().extract(traced, carrier, getter);
}

/** The program is more important than its roster: it runs all the same, and the run says so too. */
function warn(roster: Roster | undefined): void {
  if (roster?.status === 'unreadable') process.stderr.write(`rollcall: ${roster.reason}\n`);
}
