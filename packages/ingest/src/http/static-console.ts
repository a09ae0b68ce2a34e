/** Serves the console at `/`: its page for every address of its own, its assets under names that never change their content. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono, type Context } from 'hono';
import type { AppEnv } from './authenticate.ts';

/** No script, style, picture or connection from anywhere else, and nobody may put the console into a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** First parts of addresses that belong to programs. */
const NOT_PAGES = /^\/(api|v1|assets|healthz|readyz|metrics)(\/|$)/;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Rollcall</title>
<h1>The console is not built yet</h1>
<p>In a checkout, <code>node scripts/setup.mjs</code> builds it; then load this page again. The service itself is up: <a href="/api/docs">API</a>.</p></html>`;

export function createStaticConsole(folder: string): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use('/assets/*', async (c, next) => {
    await next();
    setHeaders(c);
    // The name holds a hash of the content.
    if (c.res.ok) c.header('Cache-Control', 'public, max-age=31536000, immutable');
  });
  if (existsSync(folder)) {
    app.use('/assets/*', serveStatic({ root: folder, precompressed: true }));
    app.get('/favicon.svg', serveStatic({ root: folder }));
  }
  app.get('*', async (c, next) => {
    if (NOT_PAGES.test(c.req.path)) return next();
    // A program that asks for a path that is not there is told so, not given a page.
    if (c.req.path !== '/' && !/\btext\/html\b/.test(c.req.header('accept') ?? '')) return next();
    setHeaders(c);
    c.header('Cache-Control', 'no-cache');
    const page = await readFile(`${folder}/index.html`, 'utf8').catch(() => null);
    return page === null ? c.html(NOT_BUILT, 503) : c.html(page);
  });
  return app;
}

function setHeaders(c: Context): void {
  c.header('Content-Security-Policy', POLICY);
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Referrer-Policy', 'no-referrer');
  c.header('Cross-Origin-Opener-Policy', 'same-origin');
}
