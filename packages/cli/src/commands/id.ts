/** `rollcall id`: run IDs on the command line. */

import { convertToStandardFormat, generateRunId, parseRunId } from '@rollcall/semconv';

interface JsonOption {
  readonly json?: boolean;
}

export function newId(): void {
  console.log(generateRunId());
}

export function checkId(value: string, { json = false }: JsonOption): void {
  const parsed = parseRunId(value);
  if (parsed.status === 'refused') process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify(parsed));
  } else if (parsed.status === 'refused') {
    console.error(parsed.reason);
  } else {
    const client = parsed.clientId === null ? '' : `, client ${parsed.clientId}`;
    console.log(`${parsed.runId}${client}, started ${parsed.startedAt.toISOString()}`);
  }
}

/** Prints one standard ID a line, in the order given; a refused one goes to standard error. */
export function convertIds(values: readonly string[], { json = false }: JsonOption): void {
  const results = values.map((input) => ({ input, ...convertToStandardFormat(input) }));
  if (results.some(({ status }) => status === 'refused')) process.exitCode = 1;
  if (json) {
    console.log(JSON.stringify(results, null, 2));
    return;
  }
  for (const result of results) {
    if (result.status === 'refused') console.error(result.reason);
    else console.log(result.clientId === null ? result.runId : `${result.runId}-${result.clientId}`);
  }
}
