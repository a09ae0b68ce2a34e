/** Checks the committed dashboards: made by this code, of Grafana's own types, whole, and linked to one another. */

import { spawnSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BOARDS } from '../boards/index.ts';
import { generatedFiles } from '../generate.ts';
import { panelsOf, queryOf } from './run-queries.ts';

const names = Object.keys(BOARDS);
const boards = new Map<string, Dashboard>();

beforeAll(async () => {
  for (const name of names) {
    boards.set(
      name,
      JSON.parse(await readFile(new URL(`../dashboards/${name}.json`, import.meta.url), 'utf8')) as Dashboard,
    );
  }
});

const all = (): { name: string; panel: Panel }[] =>
  [...boards].flatMap(([name, dashboard]) => panelsOf(dashboard).map((panel) => ({ name, panel })));

test('generating them again gives the same bytes', async () => {
  for (const [path, text] of generatedFiles()) {
    expect(
      await readFile(new URL(`../${path}`, import.meta.url), 'utf8'),
      `${path}: run 'npm run grafana'`,
    ).toBe(text);
  }
});

describe("Grafana's own types", () => {
  /** Within the repository, so that the compiler finds the packages. */
  const folder = fileURLToPath(new URL('../../node_modules/.cache/rollcall-grafana/', import.meta.url));
  const tsc = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url));

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  async function compile(source: string): Promise<{ status: number | null; stdout: string }> {
    await mkdir(folder, { recursive: true });
    await writeFile(`${folder}check.mts`, source);
    return spawnSync(
      process.execPath,
      [
        tsc,
        '--ignoreConfig',
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--skipLibCheck',
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--types',
        '',
        `${folder}check.mts`,
      ],
      { encoding: 'utf8', cwd: folder },
    );
  }

  test('hold for every dashboard and panel, with no property too many', async () => {
    const { status, stdout } = await compile(sourceOf([...boards.values()]));
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  test.each([
    ['an unknown property', { options: { nonsense: 1 } }, /nonsense.*does not exist/],
    ['a wrong word', { options: { colorMode: 'shiny' } }, /shiny/],
    [
      'a wrong type',
      { gridPos: { x: 0, y: 0, w: 1, h: 'tall' } },
      /'string' is not assignable to type 'number'/,
    ],
    ['an option of another kind of panel', { options: { showHeader: true } }, /showHeader/],
  ])('would refuse %s', async (_, change, complaint) => {
    const dashboard = structuredClone(boards.get('fleet')) as Dashboard;
    const [first, ...rest] = panelsOf(dashboard);
    const broken = { ...dashboard, panels: [{ ...first, ...change }, ...rest] } as unknown as Dashboard;
    const { status, stdout } = await compile(sourceOf([broken]));
    expect(status).not.toBe(0);
    expect(stdout).toMatch(complaint);
  });
});

/** The foundation SDK's types leave options and custom fields of a panel open; here each kind of panel is bound to its own. */
function sourceOf(dashboards: readonly Dashboard[]): string {
  return `
import type * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import type * as logs from '@grafana/grafana-foundation-sdk/logs';
import type * as stat from '@grafana/grafana-foundation-sdk/stat';
import type * as statetimeline from '@grafana/grafana-foundation-sdk/statetimeline';
import type * as table from '@grafana/grafana-foundation-sdk/table';
import type * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
interface Query { refId: string; datasource: dashboard.DataSourceRef; editorType: 'sql'; queryType: 'timeseries' | 'table' | 'logs' | 'traces'; format: 0 | 1 | 2 | 3; rawSql: string }
/** Enumerations as the words that JSON holds, through all levels. */
type Plain<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T : T extends readonly (infer Item)[] ? Plain<Item>[] : { [Key in keyof T]: Plain<T[Key]> };
type Fields<Custom> = Omit<dashboard.FieldConfigSource, 'defaults'> & { defaults: Omit<dashboard.FieldConfig, 'custom'> & { custom?: Custom } };
type PanelOf<Type extends string, Options, Custom> = Omit<dashboard.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & { type: Type; options?: Options; fieldConfig: Fields<Custom>; targets: Query[] };
type Panels =
  | PanelOf<'stat', Partial<stat.Options>, never>
  | PanelOf<'table', Partial<table.Options>, Partial<table.FieldConfig>>
  | PanelOf<'timeseries', Partial<timeseries.Options>, timeseries.FieldConfig>
  | PanelOf<'state-timeline', Partial<statetimeline.Options>, statetimeline.FieldConfig>
  | PanelOf<'logs', Partial<logs.Options>, never>
  | PanelOf<'traces', never, never>;
type Board = Plain<Omit<dashboard.Dashboard, 'panels'> & { panels: Panels[] }>;
${dashboards.map((board, index) => `export const board${index}: Board = ${JSON.stringify(board, null, 1)};`).join('\n')}
`;
}

test('every panel says what it shows, in which unit, with thresholds, from our data source', () => {
  for (const { name, panel } of all()) {
    const where = `${name} / ${panel.title}`;
    expect(panel.description?.length ?? 0, where).toBeGreaterThan(30);
    expect(panel.fieldConfig?.defaults.unit, where).toMatch(/\w/);
    expect(panel.fieldConfig?.defaults.thresholds?.steps.length, where).toBeGreaterThan(0);
    expect(panel.datasource, where).toEqual({ type: 'grafana-clickhouse-datasource', uid: 'rollcall' });
    expect(queryOf(panel).datasource, where).toEqual(panel.datasource);
  }
});

test('titles and uids are there once', () => {
  for (const [name, dashboard] of boards) {
    const titles = panelsOf(dashboard).map(({ title }) => title);
    expect(titles, name).toEqual([...new Set(titles)]);
  }
  expect(new Set([...boards.values()].map(({ uid }) => uid)).size).toBe(names.length);
});

test('no panel lies on another', () => {
  for (const [name, dashboard] of boards) {
    const taken = new Set<string>();
    for (const { gridPos, title } of panelsOf(dashboard)) {
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(x + w, `${name} / ${title}`).toBeLessThanOrEqual(24);
      for (let row = y; row < y + h; row++) {
        for (let column = x; column < x + w; column++) {
          expect(taken.has(`${row} ${column}`), `${name} / ${title}`).toBe(false);
          taken.add(`${row} ${column}`);
        }
      }
    }
  }
});

test('a link leads to a dashboard that is there, with variables that it has, from columns that the row has', () => {
  for (const { name, panel } of all()) {
    for (const { url, column } of cellLinks(panel)) {
      const where = `${name} / ${panel.title} / ${column}`;
      const target = boards.get(/^\/d\/rollcall-(\w+)\?/.exec(url)?.[1] ?? '');
      expect(target, where).toBeDefined();
      const variables = (target?.templating.list ?? []).map((variable) => variable.name);
      for (const [, variable, field] of url.matchAll(/var-(\w+)=\$\{__data\.fields\.(\w+):/g)) {
        expect(variables, where).toContain(variable);
        expect(queryOf(panel).rawSql, where).toMatch(new RegExp(`\\b${field}\\b`));
      }
      expect(url, where).toContain('${__url_time_range}');
    }
  }
});

test('every dashboard leads to the others', () => {
  for (const [name, dashboard] of boards) {
    expect(dashboard.tags, name).toEqual(['rollcall']);
    expect(dashboard.links, name).toMatchObject([
      { type: 'dashboards', tags: ['rollcall'], includeVars: true, keepTime: true },
    ]);
  }
});

test('raw telemetry is read only where no rollup serves', () => {
  const raw = all()
    .filter(({ panel }) => /\botel_/.test(queryOf(panel).rawSql))
    .map(({ name, panel }) => `${name} / ${panel.title}`);
  expect(raw).toEqual(['run / Logs', 'run / Trace']);
});

function cellLinks(panel: Panel): { column: string; url: string }[] {
  return (panel.fieldConfig?.overrides ?? []).flatMap(({ matcher, properties }) =>
    properties
      .filter(({ id }) => id === 'links')
      .flatMap(({ value }) =>
        (value as { url: string }[]).map(({ url }) => ({ column: String(matcher.options), url })),
      ),
  );
}
