/** Brings the schema up to date from the numbered SQL files in `migrations/`. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Engine } from './engine.ts';

/** What the placeholders in the SQL files stand for. */
export interface SchemaParameters {
  /** Name of the cluster; without it the tables are local. */
  readonly cluster?: string | undefined;
  /** Raw telemetry is kept for this long; rollups stay. */
  readonly rawRetentionDays: number;
}

export interface AppliedMigration {
  readonly name: string;
  readonly outcome: 'applied' | 'unchanged';
}

const FOLDER = fileURLToPath(new URL('../../migrations/', import.meta.url));

/** Applies every migration that has not been applied in its present wording, in order. Safe to run again at any time. */
export async function migrate(engine: Engine, parameters: SchemaParameters): Promise<AppliedMigration[]> {
  await engine.command(render(MIGRATIONS_TABLE, parameters));
  const known = new Map(
    (
      await engine.rows<{ name: string; hash: string }>(
        'SELECT name, argMax(hash, applied_at) AS hash FROM schema_migrations GROUP BY name',
      )
    ).map(({ name, hash }) => [name, hash]),
  );
  const applied: AppliedMigration[] = [];
  const fragments = await readFragments();
  for (const { name, sql } of await readMigrations()) {
    const rendered = render(fill(sql, fragments), parameters);
    const hash = createHash('sha256').update(rendered).digest('hex');
    if (known.get(name) !== hash) {
      for (const statement of statements(rendered)) await engine.command(statement);
      await engine.command(
        'INSERT INTO schema_migrations (name, hash, applied_at) SELECT {name:String}, {hash:String}, now64(3)',
        { name, hash },
      );
    }
    applied.push({ name, outcome: known.get(name) === hash ? 'unchanged' : 'applied' });
  }
  return applied;
}

/** The migrations in the order of their numbers. */
async function readMigrations(): Promise<{ name: string; sql: string }[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{3}_[a-z_]+\.sql$/.test(name)).toSorted();
  return Promise.all(names.map(async (name) => ({ name, sql: await readFile(`${FOLDER}${name}`, 'utf8') })));
}

/** What stands in several statements of the migrations, by its placeholder: `client_run_columns.sql` fills `${CLIENT_RUN_COLUMNS}`. */
async function readFragments(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(`${FOLDER}fragments`)).filter((name) => name.endsWith('.sql'));
  const texts = await Promise.all(names.map((name) => readFile(`${FOLDER}fragments/${name}`, 'utf8')));
  return new Map(
    names.map((name, index) => [
      `\${${name.replace('.sql', '').toUpperCase()}}`,
      (texts[index] ?? '').trimEnd(),
    ]),
  );
}

function fill(sql: string, fragments: ReadonlyMap<string, string>): string {
  return [...fragments].reduce(
    // A function: in a plain replacement `$'`, as regular expressions end, would be the rest of the text.
    (text, [placeholder, fragment]) => text.replaceAll(placeholder, () => fragment),
    sql,
  );
}

const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS schema_migrations \${ON_CLUSTER}
(
    name String COMMENT 'File name of the migration',
    hash String COMMENT 'SHA-256 of its text, parameters filled in',
    applied_at DateTime64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = \${REPLICATED}MergeTree
ORDER BY (name, applied_at)
COMMENT 'Which migrations have been applied'`;

function render(sql: string, { cluster, rawRetentionDays }: SchemaParameters): string {
  return sql
    .replaceAll('${ON_CLUSTER}', cluster === undefined ? '' : `ON CLUSTER '${cluster}'`)
    .replaceAll('${REPLICATED}', cluster === undefined ? '' : 'Replicated')
    .replaceAll('${RAW_RETENTION_DAYS}', String(rawRetentionDays));
}

/** Splits at a semicolon that ends a line: none of our statements has one elsewhere at a line's end. */
function statements(sql: string): string[] {
  return sql
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '');
}
