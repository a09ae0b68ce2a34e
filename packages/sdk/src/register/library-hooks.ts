/** Lets instrumentations see the libraries that ES modules import. */
import { register as registerAsync } from 'node:module';
import { register as registerSync, supportsSyncHooks } from 'import-in-the-middle/register-hooks.mjs';

const LIBRARIES = /[\\/]node_modules[\\/](?:node-cron|croner|bullmq|pg-boss|graphile-worker|bree)[\\/]/;

/** Only these libraries are touched; what an application hooks itself is its own. */
export function hookLibraries(): void {
  // Its types lag behind its documentation.
  const only = { shouldInclude: (url: string) => LIBRARIES.test(url) } as object;
  if (supportsSyncHooks()) registerSync(only);
  else registerAsync('import-in-the-middle/hook.mjs', import.meta.url);
}
