/** `npm run grafana`: writes the dashboards and the alert rules that the code describes. */

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { provisionedRules } from './alerts/rules.ts';
import { BOARDS } from './boards/index.ts';

/** What is generated, by its path within this folder. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [name, board] of Object.entries(BOARDS)) {
    files.set(`dashboards/${name}.json`, `${JSON.stringify(board(), null, 2)}\n`);
  }
  const head = '# Written by `npm run grafana` from grafana/alerts/rules.ts.\n';
  files.set(
    'provisioning/alerting/rules.yaml',
    `${head}${stringify(provisionedRules(), { lineWidth: 0, aliasDuplicateObjects: false })}`,
  );
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generatedFiles()) {
    const file = fileURLToPath(new URL(path, import.meta.url));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
