/** Loads Grafana's provisioning files strictly, as Grafana spells them. */

import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { conditionsOf, RULES } from '../alerts/rules.ts';

const folder = new URL('../provisioning/', import.meta.url);

async function load(path: string): Promise<unknown> {
  const document = parseDocument(await readFile(new URL(path, folder), 'utf8'), {
    strict: true,
    uniqueKeys: true,
  });
  expect([...document.errors, ...document.warnings], path).toEqual([]);
  return document.toJS();
}

const duration = z.string().regex(/^\d+(ms|s|m|h|d)$/);
const interval = z.object({ from: z.number(), to: z.number() }).strict();
const dataSourceRef = z.strictObject({ type: z.string(), uid: z.string() });

const rulesFile = z.strictObject({
  apiVersion: z.literal(1),
  groups: z.array(
    z.strictObject({
      orgId: z.number(),
      name: z.string(),
      folder: z.string(),
      interval: duration,
      rules: z.array(
        z.strictObject({
          uid: z.string().regex(/^[a-z0-9-]{1,40}$/),
          title: z.string().max(190),
          condition: z.string(),
          data: z.array(
            z.strictObject({
              refId: z.string(),
              relativeTimeRange: interval,
              datasourceUid: z.string(),
              model: z.union([
                z.strictObject({
                  refId: z.string(),
                  datasource: dataSourceRef,
                  editorType: z.literal('sql'),
                  queryType: z.literal('table'),
                  format: z.literal(1),
                  rawSql: z.string(),
                }),
                z.strictObject({
                  refId: z.string(),
                  type: z.literal('threshold'),
                  datasource: dataSourceRef,
                  expression: z.string(),
                  conditions: z.array(
                    z.strictObject({
                      evaluator: z.strictObject({ type: z.literal('gt'), params: z.array(z.number()) }),
                    }),
                  ),
                }),
              ]),
            }),
          ),
          noDataState: z.enum(['OK', 'Alerting', 'NoData', 'KeepLast']),
          execErrState: z.enum(['OK', 'Alerting', 'Error', 'KeepLast']),
          for: duration,
          annotations: z.record(z.string(), z.string()),
          labels: z.record(z.string(), z.string()),
          isPaused: z.boolean(),
        }),
      ),
    }),
  ),
});

const matcher = z.tuple([z.string(), z.enum(['=', '!=', '=~', '!~']), z.string()]);
const route = z.strictObject({
  receiver: z.string(),
  object_matchers: z.array(matcher).optional(),
  group_by: z.array(z.string()).optional(),
  group_wait: duration.optional(),
  group_interval: duration.optional(),
  repeat_interval: duration.optional(),
  continue: z.boolean().optional(),
});
const policiesFile = z.strictObject({
  apiVersion: z.literal(1),
  policies: z.array(route.extend({ orgId: z.number(), routes: z.array(route) }).strict()),
});
const contactPointsFile = z.strictObject({
  apiVersion: z.literal(1),
  contactPoints: z.array(
    z.strictObject({
      orgId: z.number(),
      name: z.string(),
      receivers: z.array(
        z.strictObject({
          uid: z.string(),
          type: z.literal('webhook'),
          disableResolveMessage: z.boolean(),
          settings: z.strictObject({ url: z.string(), httpMethod: z.enum(['POST', 'PUT']) }),
        }),
      ),
    }),
  ),
});
const table = z.strictObject({
  defaultDatabase: z.string(),
  defaultTable: z.string(),
  otelEnabled: z.boolean(),
  otelVersion: z.string(),
});
const dataSourcesFile = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      uid: z.string(),
      type: z.literal('grafana-clickhouse-datasource'),
      access: z.literal('proxy'),
      isDefault: z.boolean(),
      editable: z.boolean(),
      jsonData: z.strictObject({
        host: z.string(),
        port: z.string(),
        protocol: z.enum(['http', 'native']),
        secure: z.string(),
        username: z.string(),
        defaultDatabase: z.string(),
        dialTimeout: z.string(),
        queryTimeout: z.string(),
        logs: table,
        traces: table,
      }),
      secureJsonData: z.strictObject({ password: z.string() }),
    }),
  ),
});
const dashboardsFile = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      orgId: z.number(),
      folder: z.string(),
      type: z.literal('file'),
      disableDeletion: z.boolean(),
      updateIntervalSeconds: z.number(),
      allowUiUpdates: z.boolean(),
      options: z.strictObject({ path: z.string() }),
    }),
  ),
});

const FILES: Record<string, z.ZodType> = {
  'alerting/contact-points.yaml': contactPointsFile,
  'alerting/policies.yaml': policiesFile,
  'alerting/rules.yaml': rulesFile,
  'dashboards/rollcall.yaml': dashboardsFile,
  'datasources/rollcall.yaml': dataSourcesFile,
};

test('every file is checked', async () => {
  const found = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.yaml'));
  expect(found.toSorted()).toEqual(Object.keys(FILES).toSorted());
});

test.each(Object.entries(FILES))(
  '%s is well-formed and has no field that Grafana does not know',
  async (path, schema) => {
    expect(schema.safeParse(await load(path)).error?.message).toBeUndefined();
  },
);

describe('the alert rules', () => {
  const read = async () =>
    rulesFile.parse(await load('alerting/rules.yaml')).groups.flatMap(({ rules }) => rules);

  test('are all there, each once', async () => {
    const uids = (await read()).map(({ uid }) => uid);
    expect(uids.toSorted()).toEqual(
      RULES.map(({ rule }) => `rollcall-${rule.replaceAll('_', '-')}`).toSorted(),
    );
  });

  test('read the view of their rule, so that Grafana, webhooks and SQL say the same', async () => {
    for (const { uid, data } of await read()) {
      const rule = uid.replace('rollcall-', '').replaceAll('-', '_');
      const sql = data.flatMap(({ model }) => ('rawSql' in model ? [model.rawSql] : []));
      if (rule !== 'ingest_down') expect(sql).toEqual([conditionsOf(rule)]);
      else expect(sql[0]).toContain('FROM alert_ingest_down');
    }
  });

  test('take no data for well, but for the one that tells when Rollcall is blind', async () => {
    for (const { uid, noDataState, execErrState } of await read()) {
      const isWatchdog = uid === 'rollcall-ingest-down';
      expect({ uid, noDataState, execErrState }).toEqual({
        uid,
        noDataState: isWatchdog ? 'Alerting' : 'OK',
        execErrState: isWatchdog ? 'Alerting' : 'KeepLast',
      });
    }
  });

  test('have no dollar where Grafana would fill in its environment: everywhere but in annotations', async () => {
    for (const { annotations: _, ...rest } of await read()) expect(JSON.stringify(rest)).not.toContain('$');
  });

  test('have a runbook each, in their annotation and in the docs', async () => {
    const docs = await readFile(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
    for (const { uid, annotations } of await read()) {
      const rule = uid.replace('rollcall-', '').replaceAll('-', '_');
      expect(annotations['runbook']?.length, uid).toBeGreaterThan(100);
      expect(annotations['runbook_url'], uid).toBe(`docs/alerts.md#${rule}`);
      expect(docs, uid).toMatch(new RegExp(`^## \`?${rule}\`?$`, 'm'));
    }
  });

  test('lead to a dashboard that is there, with variables that it has', async () => {
    for (const { uid, annotations } of await read()) {
      const link = annotations['dashboard'] ?? '';
      const board = JSON.parse(
        await readFile(
          new URL(`../dashboards/${/^\/d\/rollcall-(\w+)/.exec(link)?.[1]}.json`, import.meta.url),
          'utf8',
        ),
      ) as { templating: { list: { name: string }[] } };
      const variables = board.templating.list.map(({ name }) => name);
      for (const [, name] of link.matchAll(/var-(\w+)=/g)) expect(variables, uid).toContain(name);
    }
  });
});

test('every receiver of a policy is a contact point', async () => {
  const points = contactPointsFile
    .parse(await load('alerting/contact-points.yaml'))
    .contactPoints.map(({ name }) => name);
  const [policy] = policiesFile.parse(await load('alerting/policies.yaml')).policies;
  for (const { receiver } of policy === undefined ? [] : [policy, ...policy.routes])
    expect(points).toContain(receiver);
});

test('every environment variable is explained in the docs', async () => {
  const docs = await readFile(new URL('../../docs/grafana.md', import.meta.url), 'utf8');
  for (const path of Object.keys(FILES).filter((name) => name !== 'alerting/rules.yaml')) {
    const text = await readFile(new URL(path, folder), 'utf8');
    for (const [, name] of text.matchAll(/\$(ROLLCALL_\w+)/g)) expect(docs, path).toContain(`\`${name}\``);
  }
});
