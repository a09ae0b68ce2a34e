/** What all instrumentations of schedulers and queues have in common: their form, and their hooks. */
import { types } from 'node:util';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
  isWrapped,
  type InstrumentationConfig,
} from '@opentelemetry/instrumentation';
import { checkClientId } from '@rollcall/semconv';
import { safely } from '../faults.ts';

/** Configuration of an instrumentation; `Work` is what its library hands to a job. */
export interface ExecutionConfig<Work> extends InstrumentationConfig {
  /** Name of the job; undefined takes the default. */
  jobName?: (work: Work) => string | undefined;
  /** The client that the work is done for. It then is a client run: of the run that asked for it, else of one of its own. */
  clientId?: (work: Work) => string | undefined;
  /** Whether this is no business of Rollcall's. It then runs as if nothing were instrumented. */
  skip?: (work: Work) => boolean;
}

const VERSION = '0.1.0';

/** A module's exports, or a class's prototype. */
// eslint-disable-next-line typescript/no-explicit-any -- a library's functions have any signature
export type Patchable = Record<string, any>;

// eslint-disable-next-line typescript/no-explicit-any -- the same
type AnyFunction = (this: any, ...args: any[]) => any;

export abstract class ExecutionInstrumentation<
  Work,
  Config extends ExecutionConfig<Work> = ExecutionConfig<Work>,
> extends InstrumentationBase<Config> {
  constructor(library: string, config: Config = {} as Config) {
    super(`@rollcall/instrumentation-${library}`, VERSION, config);
  }

  /** For what was loaded before this, or is bundled: `instrumentation.instrument(await import('bullmq'))`. */
  abstract instrument(moduleExports: unknown): void;

  protected isSkipped(work: Work): boolean {
    return !this.isEnabled() || safely('ask the hook skip', () => this.getConfig().skip?.(work)) === true;
  }

  protected jobNameOf(work: Work, fallback: string): string {
    const given: unknown = safely('ask the hook jobName', () => this.getConfig().jobName?.(work));
    return typeof given === 'string' && given !== '' ? given : fallback;
  }

  protected clientIdOf(work: Work): string | undefined {
    const given: unknown = safely('ask the hook clientId', () => this.getConfig().clientId?.(work));
    if (given === undefined || given === null || given === '') return undefined;
    const clientId = typeof given === 'number' ? String(given) : given;
    const check = checkClientId(clientId);
    if (check.status === 'ok') return check.clientId;
    this._diag.warn(`The hook clientId named no client: ${check.reason}`);
    return undefined;
  }

  /** A module to patch when it is loaded. */
  protected module(
    name: string,
    versions: string[],
    patch: ((moduleExports: Patchable) => void) | undefined,
    files: InstrumentationNodeModuleFile[] = [],
  ): InstrumentationNodeModuleDefinition {
    // What is patched asks at each call whether the instrumentation is enabled, so nothing needs to be taken back.
    return new InstrumentationNodeModuleDefinition(name, versions, patching(patch), () => undefined, files);
  }

  protected file(
    name: string,
    versions: string[],
    patch: (moduleExports: Patchable) => void,
  ): InstrumentationNodeModuleFile {
    return new InstrumentationNodeModuleFile(name, versions, patching(patch), () => undefined);
  }

  /** Wraps a function once, however often the module is seen. */
  protected wrap(
    owner: Patchable | undefined,
    name: string,
    wrapper: (original: AnyFunction) => AnyFunction,
  ): void {
    const original: unknown = owner?.[name];
    if (owner === undefined || typeof original !== 'function' || isWrapped(original)) return;
    // Nobody can change what an ES module exports once it is loaded; only its objects and classes.
    if (types.isModuleNamespaceObject(owner)) return;
    this._wrap(owner, name, wrapper);
  }
}

function patching(patch: ((moduleExports: Patchable) => void) | undefined) {
  return (moduleExports: Patchable): Patchable => {
    if (patch !== undefined) safely('instrument a library', () => patch(moduleExports));
    return moduleExports;
  };
}
