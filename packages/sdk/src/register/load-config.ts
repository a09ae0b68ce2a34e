/** Finds and reads the config file of a program. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeValue } from '@rollcall/semconv';
import type { RollcallConfig } from './rollcall-config.ts';

const NAMES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json'].map((extension) => `rollcall.config.${extension}`);
const FIELDS = ['process', 'jobs', 'clientRuns', 'steps', 'metrics', 'instrumentations', 'options'];

export interface LoadedConfig {
  /** Undefined where there is none; what it would say is the default then. */
  path: string | undefined;
  config: RollcallConfig;
  problems: string[];
}

/**
 * `ROLLCALL_CONFIG`, else the working folder's, else the one nearest to the script, up to its package.
 * Does not throw: what is wrong with it is named in `problems`.
 */
export async function loadConfig(env: NodeJS.ProcessEnv, script: string | undefined): Promise<LoadedConfig> {
  const named = env['ROLLCALL_CONFIG'];
  const path = named === undefined || named === '' ? findConfig(script) : resolve(named);
  if (path === undefined) return { path, config: {}, problems: [] };
  if (!existsSync(path)) {
    return { path, config: {}, problems: [`there is no such file; ROLLCALL_CONFIG is '${named}'`] };
  }
  try {
    return { path, ...check(await read(path)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { path, config: {}, problems: [`it could not be read: ${message}`] };
  }
}

function findConfig(script: string | undefined): string | undefined {
  return [process.cwd(), ...(script === undefined ? [] : foldersAbove(resolve(script)))]
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  const isEnd = folder === path || existsSync(join(folder, 'package.json'));
  return isEnd ? [folder] : [folder, ...foldersAbove(folder)];
}

async function read(path: string): Promise<unknown> {
  if (extname(path) === '.json') return JSON.parse(await readFile(path, 'utf8'));
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  return module.default;
}

function check(given: unknown): Omit<LoadedConfig, 'path'> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const use = 'export default { jobs: [{ module, export }] }';
    return { config: {}, problems: [`it holds ${describeValue(given)}; use ${use}`] };
  }
  const problems = Object.keys(given)
    .filter((field) => !FIELDS.includes(field))
    .map((field) => `${field} means nothing; a config has ${FIELDS.join(', ')}`);
  return { config: given, problems };
}
