/** A receiver in a process of its own that takes everything and keeps nothing. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

const PROGRAM = `
  const http = require('node:http');
  const server = http.createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(200, { 'content-type': request.headers['content-type'] ?? '' }).end());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.stdout.write('http://127.0.0.1:' + server.address().port));
`;

export interface Sink extends AsyncDisposable {
  url: string;
}

export async function startSink(): Promise<Sink> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: printed.toString(),
    [Symbol.asyncDispose]: async () => {
      const closed = once(child, 'close');
      child.kill();
      await closed;
    },
  };
}
