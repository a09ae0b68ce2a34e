/** Asks the engine once what the front tells of it. */

import type { Respondent } from './front.ts';

export async function describeEngine(
  ask: <Row>(sql: string) => Promise<Row[]>,
): Promise<Omit<Respondent, 'answer'>> {
  const [about] = await ask<{ version: string; timezone: string }>(
    'SELECT version() AS version, timezone() AS timezone',
  );
  const formats = await ask<{ name: string; type: string }>(
    'SELECT name, content_type AS type FROM system.formats WHERE is_output',
  );
  return {
    version: about?.version ?? '',
    timezone: about?.timezone ?? '',
    contentTypes: new Map(formats.map(({ name, type }) => [name, type])),
  };
}
