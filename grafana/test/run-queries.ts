/** Runs the queries of a dashboard on the engine, as a stranger would: read-only, and checked. */

import { text } from 'node:stream/consumers';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Engine } from '@rollcall/ingest';
import type { ClickHouseQuery } from '../parts/clickhouse-query.ts';
import { expandQuery, type QueryContext } from './expand-query.ts';

/** An answer in columns that know their types. */
export interface Answer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly Record<string, unknown>[];
}

export async function ask(engine: Engine, sql: string): Promise<Answer> {
  const answer = JSON.parse(await text(await engine.readOnly(sql, { format: 'JSON' }))) as {
    meta: Answer['columns'];
    data: Record<string, unknown>[];
  };
  return { columns: answer.meta, rows: answer.data };
}

export async function askPanel(engine: Engine, panel: Panel, context: QueryContext): Promise<Answer> {
  return ask(engine, expandQuery(queryOf(panel).rawSql, context));
}

export function panelsOf(dashboard: Dashboard): Panel[] {
  return dashboard.panels ?? [];
}

export function queryOf(panel: Panel): ClickHouseQuery {
  const [query] = panel.targets ?? [];
  if (query === undefined) throw new Error(`The panel '${panel.title}' has no query`);
  return query as unknown as ClickHouseQuery;
}
