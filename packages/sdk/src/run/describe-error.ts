/** Says what was thrown, whatever it is. */

/** A thrown value as OpenTelemetry's `exception.*` attributes want it. */
export interface ErrorDescription {
  type: string;
  message: string;
  stacktrace?: string;
}

const LONGEST_MESSAGE = 8_192;
const LONGEST_STACKTRACE = 32_768;
const DEEPEST_CAUSE = 5;

/** Never throws, not even for values whose own code does. */
export function describeError(thrown: unknown): ErrorDescription {
  try {
    return isErrorLike(thrown) ? describeErrorObject(thrown) : describeOther(thrown);
  } catch {
    return { type: 'unknown', message: 'The thrown value cannot be read' };
  }
}

interface ErrorLike {
  name: string;
  message: string;
  stack?: unknown;
  cause?: unknown;
}

/** Errors of another realm (vm, vitest) are no instances of this realm's Error. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  if (thrown instanceof Error) return true;
  if (typeof thrown !== 'object' || thrown === null) return false;
  return 'name' in thrown && 'message' in thrown && typeof thrown.message === 'string';
}

function describeErrorObject(error: ErrorLike): ErrorDescription {
  const stacktrace = stackOf(error);
  return {
    type: typeOf(error),
    message: String(error.message).slice(0, LONGEST_MESSAGE),
    ...(stacktrace === '' ? {} : { stacktrace }),
  };
}

/** A subclass that never set its `name` is still known by its class. */
function typeOf(error: ErrorLike): string {
  const name = typeof error.name === 'string' && error.name !== '' ? error.name : 'Error';
  if (name !== 'Error') return name;
  const className: unknown = error.constructor?.name;
  return typeof className === 'string' && className !== '' && className !== 'Object' ? className : name;
}

function stackOf(error: ErrorLike): string {
  const stacks: string[] = [];
  let current: unknown = error;
  while (isErrorLike(current) && stacks.length < DEEPEST_CAUSE) {
    const stack = typeof current.stack === 'string' ? current.stack : `${current.name}: ${current.message}`;
    stacks.push(stacks.length === 0 ? stack : `Caused by: ${stack}`);
    current = current.cause;
  }
  return stacks.join('\n').slice(0, LONGEST_STACKTRACE);
}

function describeOther(thrown: unknown): ErrorDescription {
  if (typeof thrown !== 'object' || thrown === null) {
    return {
      type: thrown === null ? 'null' : typeof thrown,
      message: String(thrown).slice(0, LONGEST_MESSAGE),
    };
  }
  const className: unknown = thrown.constructor?.name;
  const type = typeof className === 'string' && className !== '' ? className : 'object';
  return {
    type,
    message: (JSON.stringify(thrown) ?? Object.prototype.toString.call(thrown)).slice(0, LONGEST_MESSAGE),
  };
}
