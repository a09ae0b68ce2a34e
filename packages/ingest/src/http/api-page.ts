/** Draws the OpenAPI description as a page for people. No script, no other host. */

import { html, raw } from 'hono/html';

interface Operation {
  readonly summary?: string;
  readonly requestBody?: {
    readonly content?: Record<string, { readonly schema?: { readonly $ref?: string } }>;
  };
  readonly responses?: Record<string, { readonly description?: string }>;
}

interface Description {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths?: Record<string, Record<string, Operation>>;
  readonly components?: { readonly schemas?: Record<string, object> };
}

export function drawApiPage(description: object): ReturnType<typeof html> {
  const { info, paths = {}, components } = description as Description;
  return html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>${info.title}</title>
      <style>
        :root {
          color-scheme: light dark;
          font:
            16px/1.5 system-ui,
            sans-serif;
        }
        body {
          max-width: 60rem;
          margin: 2rem auto;
          padding: 0 1rem;
        }
        section {
          border-top: 1px solid #8886;
          padding: 0.75rem 0;
        }
        h2 {
          font-size: 1rem;
          margin: 0;
        }
        code,
        pre {
          font:
            0.9rem ui-monospace,
            monospace;
        }
        pre {
          overflow: auto;
          background: #8881;
          padding: 0.75rem;
          border-radius: 6px;
        }
        b {
          display: inline-block;
          min-width: 4.5rem;
        }
        p {
          margin: 0.25rem 0 0;
        }
      </style>
      <h1>${info.title}</h1>
      <p>${info.description} <a href="/api/openapi.json">openapi.json</a></p>
      ${Object.entries(paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => drawOperation(path, method, operation)),
      )}
      <h1>Bodies</h1>
      ${Object.entries(components?.schemas ?? {}).map(
        ([name, schema]) =>
          html`<details id="${name}">
            <summary><code>${name}</code></summary>
            <pre>${JSON.stringify(schema, null, 2)}</pre>
          </details>`,
      )}
    </html>`;
}

function drawOperation(
  path: string,
  method: string,
  { summary, requestBody, responses = {} }: Operation,
): ReturnType<typeof html> {
  const body = requestBody?.content?.['application/json']?.schema?.$ref?.split('/').at(-1);
  return html`<section>
    <h2>
      <code><b>${method.toUpperCase()}</b> /api/v1${path}</code>
    </h2>
    <p>${summary}${body === undefined ? '' : html`. Body: <a href="#${body}"><code>${body}</code></a>`}</p>
    <p>
      <small
        >${raw(
          Object.keys(responses)
            .map((status) => status.replaceAll(/\D/g, ''))
            .join(', '),
        )}</small
      >
    </p>
  </section>`;
}
