/** The kinds of panels that the dashboards are made of. */

import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as logsPanel from '@grafana/grafana-foundation-sdk/logs';
import * as statPanel from '@grafana/grafana-foundation-sdk/stat';
import * as stateTimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import * as tablePanel from '@grafana/grafana-foundation-sdk/table';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import { DATA_SOURCE, target } from './clickhouse-query.ts';
import { NUMBER_MAPPINGS, VERDICT_COLORS, WORD_MAPPINGS } from './verdicts.ts';

const GREEN = '#3fa45b';
const YELLOW = '#e0a526';
const RED = '#d64550';

/** From a value on, a colour. */
export type Step = readonly [from: number | null, color: string];

/** Green, and red from the value on. */
export const badFrom = (value: number): Step[] => [
  [null, GREEN],
  [value, RED],
];
export const warnFrom = (value: number): Step[] => [
  [null, GREEN],
  [value, YELLOW],
];
/** Red below the first, yellow below the second, else green. */
export const goodFrom = (fair: number, good: number): Step[] => [
  [null, RED],
  [fair, YELLOW],
  [good, GREEN],
];
/** A number that is neither good nor bad. */
export const NEUTRAL: Step[] = [[null, '#3d85c6']];

interface Common {
  readonly title: string;
  readonly description: string;
  readonly sql: string;
  readonly width: number;
  readonly height: number;
}

/** Where a cell leads: to a dashboard, with variables from the row. */
export interface CellLink {
  readonly column: string;
  readonly to: 'job' | 'run' | 'client' | 'failures';
  /** Variables by the columns that they come from. */
  readonly variables: Record<string, string>;
}

export interface Column {
  readonly unit?: string;
  readonly decimals?: number;
  /** Coloured by the word in it. */
  readonly isVerdict?: boolean;
  readonly steps?: readonly Step[];
  /** A bar from 0 to 1. */
  readonly isShare?: boolean;
  readonly width?: number;
}

export function stat(
  panel: Common & {
    unit?: string;
    decimals?: number;
    steps: readonly Step[];
    isText?: boolean;
    noValue?: string;
  },
): cog.Builder<dashboard.Panel> {
  const builder = new statPanel.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'table'))
    .span(panel.width)
    .height(panel.height)
    .unit(panel.unit ?? 'short')
    .noValue(panel.noValue ?? 'none')
    .mappings(WORD_MAPPINGS)
    .thresholds(thresholds(panel.steps))
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(panel.isText === true ? common.BigValueTextMode.Value : common.BigValueTextMode.Auto)
    .reduceOptions(
      new common.ReduceDataOptionsBuilder()
        .calcs(['lastNotNull'])
        .fields(panel.isText === true ? '/.*/' : '')
        .values(false),
    );
  return panel.decimals === undefined ? builder : builder.decimals(panel.decimals);
}

export function table(
  panel: Common & { columns?: Record<string, Column>; links?: readonly CellLink[]; noValue?: string },
): cog.Builder<dashboard.Panel> {
  const builder = new tablePanel.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'table'))
    .span(panel.width)
    .height(panel.height)
    .unit('none')
    .noValue(panel.noValue ?? '')
    .thresholds(thresholds(NEUTRAL))
    .cellHeight(common.TableCellHeight.Sm)
    .showHeader(true);
  for (const [name, column] of Object.entries(panel.columns ?? {})) {
    builder.overrideByName(
      name,
      propertiesOf({ ...(WIDTHS[name] === undefined ? {} : { width: WIDTHS[name] }), ...column }),
    );
  }
  for (const link of panel.links ?? []) {
    const width = panel.columns?.[link.column] === undefined ? WIDTHS[link.column] : undefined;
    builder.overrideByName(link.column, [
      ...(width === undefined ? [] : [{ id: 'custom.width', value: width }]),
      { id: 'links', value: [{ title: `Open the ${link.to}`, url: linkTo(link) }] },
    ]);
  }
  return builder;
}

/** What always has about the same length; the rest of the columns share the rest of the width. */
const WIDTHS: Readonly<Record<string, number>> = {
  job: 130,
  run: 125,
  client: 100,
  verdict: 165,
  latest_verdict: 165,
  last_verdict: 165,
  state: 80,
  started: 155,
  telemetry: 90,
};

function propertiesOf(column: Column): dashboard.DynamicConfigValue[] {
  return [
    ...(column.unit === undefined ? [] : [{ id: 'unit', value: column.unit }]),
    ...(column.decimals === undefined ? [] : [{ id: 'decimals', value: column.decimals }]),
    ...(column.width === undefined ? [] : [{ id: 'custom.width', value: column.width }]),
    ...(column.isVerdict === true
      ? [
          { id: 'mappings', value: WORD_MAPPINGS },
          { id: 'custom.cellOptions', value: { type: 'color-text' } },
        ]
      : []),
    ...(column.steps === undefined
      ? []
      : [
          { id: 'thresholds', value: thresholds(column.steps).build() },
          { id: 'custom.cellOptions', value: { type: 'color-text' } },
        ]),
    ...(column.isShare === true
      ? [
          { id: 'unit', value: 'percentunit' },
          { id: 'min', value: 0 },
          { id: 'max', value: 1 },
          { id: 'custom.cellOptions', value: { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' } },
        ]
      : []),
  ];
}

/** The time range goes along, and so does the project. */
function linkTo({ to, variables }: CellLink): string {
  const pairs = Object.entries(variables).map(
    ([name, column]) => `var-${name}=\${__data.fields.${column}:percentencode}`,
  );
  return `/d/rollcall-${to}?${['${project:queryparam}', ...pairs, '${__url_time_range}'].join('&')}`;
}

/** Stacked bars, one column of the answer a series. */
export function bars(panel: Common & { unit?: string; seriesFrom?: string }): cog.Builder<dashboard.Panel> {
  const builder = series(panel)
    .unit(panel.unit ?? 'short')
    .thresholds(thresholds(NEUTRAL))
    .interval('1h')
    .drawStyle(common.GraphDrawStyle.Bars)
    .lineWidth(0)
    .fillOpacity(85)
    .min(0)
    .decimals(0)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (panel.seriesFrom !== undefined) return builder.displayName(`\${__field.labels.${panel.seriesFrom}}`);
  for (const [verdict, color] of VERDICT_COLORS) builder.overrideByName(verdict, [fixedColor(color)]);
  return builder;
}

/** Lines through points; `band` names the lower and the upper edge of what is usual. */
export function lines(
  panel: Common & {
    unit?: string;
    band?: readonly [string, string];
    seriesFrom?: string;
    steps?: readonly Step[];
    areSteps?: boolean;
  },
): cog.Builder<dashboard.Panel> {
  const builder = series(panel)
    .unit(panel.unit ?? 'short')
    .thresholds(thresholds(panel.steps ?? NEUTRAL))
    .drawStyle(common.GraphDrawStyle.Line)
    .lineInterpolation(
      panel.areSteps === true ? common.LineInterpolation.StepAfter : common.LineInterpolation.Linear,
    )
    .lineWidth(2)
    .fillOpacity(0)
    .pointSize(4)
    .showPoints(common.VisibilityMode.Auto)
    .spanNulls(true)
    .axisSoftMin(0);
  if (panel.seriesFrom !== undefined) builder.displayName(`\${__field.labels.${panel.seriesFrom}}`);
  if (panel.steps !== undefined) {
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
  }
  if (panel.band !== undefined) {
    const [low, high] = panel.band;
    const edge = [
      { id: 'custom.lineWidth', value: 0 },
      { id: 'custom.showPoints', value: 'never' },
      fixedColor('#8e98a3'),
    ];
    builder.overrideByName(low, edge);
    builder.overrideByName(high, [
      ...edge,
      { id: 'custom.fillBelowTo', value: low },
      { id: 'custom.fillOpacity', value: 20 },
    ]);
  }
  return builder;
}

function series(panel: Common): timeseries.PanelBuilder {
  return new timeseries.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'timeseries'))
    .span(panel.width)
    .height(panel.height)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi));
}

/** A row for each client, coloured by verdict from its start to its end. */
export function timeline(panel: Common): cog.Builder<dashboard.Panel> {
  return new stateTimeline.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'timeseries'))
    .span(panel.width)
    .height(panel.height)
    .unit('none')
    .displayName('${__field.labels.client}')
    .mappings(NUMBER_MAPPINGS)
    .thresholds(thresholds(NEUTRAL))
    .mergeValues(false)
    .showValue(common.VisibilityMode.Never)
    .rowHeight(0.8)
    .perPage(60)
    .fillOpacity(90);
}

export function logs(panel: Common): cog.Builder<dashboard.Panel> {
  return new logsPanel.PanelBuilder()
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'logs'))
    .span(panel.width)
    .height(panel.height)
    .unit('none')
    .thresholds(thresholds(NEUTRAL))
    .showTime(true)
    .wrapLogMessage(true)
    .enableLogDetails(true)
    .sortOrder(common.LogsSortOrder.Ascending);
}

/** The spans of one trace. The foundation SDK has no builder for Grafana's traces panel. */
export function trace(panel: Common): cog.Builder<dashboard.Panel> {
  return new dashboard.PanelBuilder()
    .type('traces')
    .title(panel.title)
    .description(panel.description)
    .datasource(DATA_SOURCE)
    .withTarget(target(panel.sql, 'traces'))
    .span(panel.width)
    .height(panel.height)
    .unit('none')
    .thresholds(thresholds(NEUTRAL));
}

function fixedColor(color: string): dashboard.DynamicConfigValue {
  return { id: 'color', value: { mode: 'fixed', fixedColor: color } };
}

function thresholds(steps: readonly Step[]): dashboard.ThresholdsConfigBuilder {
  return new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps(steps.map(([value, color]) => ({ value, color })));
}
