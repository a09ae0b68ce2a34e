/** Makes the whole process one job run. */
import { safely } from '../faults.ts';
import { runContextToEnv } from '../run/handed-run.ts';
import type { Tracked } from '../run/handles.ts';
import { JobRun } from '../run/job-run.ts';
import { adoptRun } from '../run/scope.ts';
import { internalsOf, type Rollcall } from '../start.ts';

/**
 * Resolves when the run has begun, at most as long after as a claim of its ID may take.
 * Nothing is registered with OpenTelemetry for it: the application has not set up what it wants yet.
 */
export async function runProcess(
  rollcall: Rollcall,
  jobName: string,
  beforeEnd: (run: Tracked) => void,
): Promise<void> {
  const { core } = internalsOf(rollcall);
  core.delivery.sendKept();
  const run = await JobRun.start(core, jobName, {});
  adoptRun(run);
  // Processes and threads that it starts belong to it; a forked one even loads this module again.
  Object.assign(process.env, runContextToEnv(run));
  let hasThrown = false;
  process.on('uncaughtExceptionMonitor', () => {
    hasThrown = true;
  });
  // Ahead of the SDK's own listener, which takes a run that is still open for one that was cut off.
  process.prependListener('exit', (code) => {
    // An error that ended the process is told by that one, with its stack.
    if (run.ended || (hasThrown && code !== 0)) return;
    safely('end the run of the process', () => {
      beforeEnd(run);
      if (code === 0) run.finish({ how: 'returned', value: undefined });
      else run.end({ status: 'failed', reason: `The process exited with code ${code}` });
    });
  });
}
