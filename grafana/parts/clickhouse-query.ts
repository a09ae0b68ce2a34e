/** A query of Grafana's ClickHouse data source, as its SQL editor saves it. */

import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import type * as common from '@grafana/grafana-foundation-sdk/common';

/** The provisioned data source. */
export const DATA_SOURCE: common.DataSourceRef = { type: 'grafana-clickhouse-datasource', uid: 'rollcall' };

/** How the answer is to be understood; the plugin keeps a number beside the word. */
const FORMATS = { timeseries: 0, table: 1, logs: 2, traces: 3 } as const;
export type Format = keyof typeof FORMATS;

/** What the plugin saves. */
export interface ClickHouseQuery {
  readonly refId: string;
  readonly datasource: common.DataSourceRef;
  readonly editorType: 'sql';
  readonly queryType: Format;
  readonly format: number;
  readonly rawSql: string;
}

export function clickHouseQuery(rawSql: string, format: Format, refId = 'A'): ClickHouseQuery {
  return {
    refId,
    datasource: DATA_SOURCE,
    editorType: 'sql',
    queryType: format,
    format: FORMATS[format],
    rawSql: tidy(rawSql),
  };
}

/** The foundation SDK takes builders. */
export function target(rawSql: string, format: Format): cog.Builder<cog.Dataquery> {
  return { build: () => clickHouseQuery(rawSql, format) as unknown as cog.Dataquery };
}

/** Takes away the indentation of the TypeScript around it. */
function tidy(sql: string): string {
  const lines = sql.split('\n').filter((line) => line.trim() !== '');
  const indents = lines.slice(1).map((line) => line.length - line.trimStart().length);
  const least = indents.length === 0 ? 0 : Math.min(...indents);
  return lines.map((line, index) => (index === 0 ? line.trimStart() : line.slice(least))).join('\n');
}
