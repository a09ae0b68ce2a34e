/**
 * Tracks a program that knows nothing of Rollcall: `node --import @rollcall/sdk/register batch.js`.
 * Its `rollcall.config` names which functions are jobs, client runs and steps; without one the process is one job run.
 */
import { basename, extname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { sdkLog } from '../faults.ts';
import { hasInheritedRun } from '../config.ts';
import { rollcallInstrumentations } from '../instrumentations/index.ts';
import { startRollcall } from '../start.ts';
import { readEntries } from './entries.ts';
import { joinForeignProviders } from './foreign-providers.ts';
import { hookLibraries } from './library-hooks.ts';
import { loadConfig, type LoadedConfig } from './load-config.ts';
import { ModuleHooks } from './module-hooks.ts';
import { runProcess } from './process-run.ts';
import { Registry } from './registry.ts';

try {
  await register(await loadConfig(process.env, process.argv[1]));
} catch (fault) {
  sdkLog.error('Could not register; the program runs untracked', fault);
  complain(undefined, [
    `the program runs untracked: ${fault instanceof Error ? fault.message : String(fault)}`,
  ]);
}

async function register({ path, config, problems }: LoadedConfig): Promise<void> {
  if (config.instrumentations !== false) {
    hookLibraries();
    registerInstrumentations({ instrumentations: rollcallInstrumentations(config.instrumentations) });
  }
  // The global places of OpenTelemetry are the application's, which is not there yet.
  const rollcall = startRollcall({ ...config.options, registerGlobals: false });
  joinForeignProviders(rollcall);
  const entries = readEntries(config as Record<string, unknown>, problems);
  const registry = new Registry(entries);
  if (path !== undefined && entries.length > 0) {
    registry.publish();
    new ModuleHooks(registry, entries, path, problems).install();
  }
  complain(path, problems);
  const name = nameOfProcess(
    config.process,
    entries.some(({ role }) => role === 'jobs'),
  );
  if (name !== undefined) await runProcess(rollcall, name, registry.noteMissing);
}

/** A thread, or a process that was started under a run, is no run of its own. */
function nameOfProcess(given: boolean | string | undefined, hasJobs: boolean): string | undefined {
  const isWanted = given === undefined ? !hasJobs : given !== false;
  if (!isWanted || !isMainThread || hasInheritedRun()) return undefined;
  if (typeof given === 'string' && given !== '') return given;
  const [, script] = process.argv;
  // Without a script it is somebody at the prompt, or code on the command line.
  return script === undefined ? undefined : basename(script, extname(script));
}

/** On standard error: a config that is not followed would otherwise look like one that found nothing. */
function complain(path: string | undefined, problems: readonly string[]): void {
  const where = path === undefined ? '' : `${path}: `;
  for (const problem of problems) process.stderr.write(`rollcall: ${where}${problem}\n`);
}
