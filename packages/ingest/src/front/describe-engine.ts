/** Asks the engine once what the front tells of it. */

import type { EmbeddedConnection } from '../store/embedded-connection.ts';
import type { Respondent } from './front.ts';

export async function describeEngine(connection: EmbeddedConnection): Promise<Omit<Respondent, 'answer'>> {
  const [version = '', timezone = ''] = (await connection.run('SELECT version(), timezone()'))
    .text()
    .trim()
    .split('\t');
  const formats = await connection.run('SELECT name, content_type FROM system.formats WHERE is_output');
  const contentTypes = new Map(
    formats
      .text()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split('\t') as [string, string]),
  );
  return { version, timezone, contentTypes };
}
