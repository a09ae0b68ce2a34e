/** What all dashboards have in common: variables, links to one another, time. */

import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { clickHouseQuery, DATA_SOURCE } from './clickhouse-query.ts';
import { JOB, PROJECTS, RUNS_IN_RANGE } from './filters.ts';

export interface BoardOptions {
  /** Its uid is `rollcall-` and this. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly refresh: string;
  readonly variables: readonly cog.Builder<dashboard.VariableModel>[];
  readonly panels: readonly cog.Builder<dashboard.Panel>[];
}

export function board(options: BoardOptions): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(`Rollcall / ${options.title}`)
    .uid(`rollcall-${options.name}`)
    .description(options.description)
    .tags(['rollcall'])
    .timezone('browser')
    .time({ from: options.from, to: 'now' })
    .refresh(options.refresh)
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .link(
      new dashboard.DashboardLinkBuilder('Rollcall')
        .type(dashboard.DashboardLinkType.Dashboards)
        .tags(['rollcall'])
        .asDropdown(false)
        .includeVars(true)
        .keepTime(true),
    );
  for (const asked of options.variables) builder.withVariable(asked);
  for (const panel of options.panels) builder.withPanel(panel);
  const built = builder.build();
  return { ...built, panels: layOut(built.panels ?? []) };
}

const COLUMNS = 24;

/** Each panel as high up as it fits, and there as far to the left; the SDK's own layout knows rows only. */
function layOut(panels: NonNullable<dashboard.Dashboard['panels']>): dashboard.Panel[] {
  const tops = Array<number>(COLUMNS).fill(0);
  return panels.map((panel, index) => {
    const { w = COLUMNS, h = 1 } = panel.gridPos ?? {};
    const heights = Array.from({ length: COLUMNS - w + 1 }, (_, x) => Math.max(...tops.slice(x, x + w)));
    const y = Math.min(...heights);
    const x = heights.indexOf(y);
    tops.fill(y + h, x, x + w);
    return { ...panel, id: index + 1, gridPos: { x, y, w, h } };
  });
}

export function projectVariable(): cog.Builder<dashboard.VariableModel> {
  return variable(
    'project',
    'Project',
    'What an API key belongs to.',
    'SELECT DISTINCT project_id FROM job_latest_starts ORDER BY project_id',
  )
    .multi(true)
    .includeAll(true)
    .current({ text: ['All'], value: ['$__all'] });
}

const JOB_NAMES = `SELECT DISTINCT job_name FROM job_latest_starts WHERE ${PROJECTS} ORDER BY job_name`;

export function jobsVariable(): cog.Builder<dashboard.VariableModel> {
  return variable('job', 'Job', 'A named batch program.', JOB_NAMES)
    .multi(true)
    .includeAll(true)
    .current({ text: ['All'], value: ['$__all'] });
}

export function jobVariable(): cog.Builder<dashboard.VariableModel> {
  return variable('job', 'Job', 'A named batch program.', JOB_NAMES);
}

export function runVariable(): cog.Builder<dashboard.VariableModel> {
  return variable(
    'run',
    'Run',
    'A run of the job within the time range; any other run ID can be typed in.',
    `SELECT run_id FROM run_summaries WHERE ${PROJECTS} AND ${JOB} AND ${RUNS_IN_RANGE} GROUP BY run_id ORDER BY run_id DESC LIMIT 500`,
  ).allowCustomValue(true);
}

export function clientVariable(): cog.Builder<dashboard.VariableModel> {
  return variable(
    'client',
    'Client',
    'A client that a run within the time range expected or met; any other can be typed in.',
    `SELECT client_id FROM client_run_history WHERE ${PROJECTS} AND ${RUNS_IN_RANGE} GROUP BY client_id ORDER BY client_id LIMIT 5000`,
  ).allowCustomValue(true);
}

function variable(
  name: string,
  label: string,
  description: string,
  sql: string,
): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATA_SOURCE)
    .query({ ...clickHouseQuery(sql, 'table', name) })
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged);
}
