/** Tracks functions of many shapes, and names some that cannot be. */
import { defineConfig } from '@rollcall/sdk';

export default defineConfig({
  jobs: [
    {
      module: './main.js',
      export: 'nightly',
      name: 'nightly_sync',
      expect: ['acme', 'hooli'],
      metrics: { Total: 'total' },
    },
    { module: './scorer.ts', export: 'Scorer.score', name: 'scoring' },
    { module: './legacy.cjs', export: 'api.jobs.harvest', name: 'harvest', expect: '0' },
  ],
  clientRuns: [
    {
      module: './main.js',
      export: 'sync',
      clientId: '0.id',
      failed: 'error',
      nothingToDo: 'warning',
      metrics: { Rows: 'rows', Missing: 'no.such' },
    },
  ],
  steps: [
    { module: './main.js', export: 'count' },
    { module: './main.js', export: 'recurse' },
    { module: './main.js', export: 'pages' },
    { module: './main.js', export: 'nowhere' },
    { module: './legacy.cjs', export: 'locked' },
    { module: './never-loaded.js', export: 'main' },
  ],
});
