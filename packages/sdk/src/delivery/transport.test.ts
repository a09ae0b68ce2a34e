import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { Transport } from './transport.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n';
const KIND = { contentType: 'application/x-protobuf' };

interface ClosingServer extends AsyncDisposable {
  connections: number;
  url: URL;
}

/** Answers so many requests on each connection, and closes the connection when the next one comes. */
async function startClosing(answered: number, close: (socket: net.Socket) => void): Promise<ClosingServer> {
  const server = net.createServer((socket) => {
    closing.connections++;
    let requests = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (!chunk.includes('POST ')) return;
      if (++requests <= answered) socket.write(ANSWER);
      else close(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const closing: ClosingServer = {
    connections: 0,
    url: new URL(`http://127.0.0.1:${port}`),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
  return closing;
}

test.each<[string, (socket: net.Socket) => void]>([
  ['reset', (socket) => socket.resetAndDestroy()],
  ['ended', (socket) => socket.destroy()],
])('a request that meets a connection being %s goes out again on a new one', async (_, close) => {
  await using server = await startClosing(1, close);
  const transport = new Transport({ endpoint: server.url, headers: {}, requestTimeoutMs: 5_000 });

  const posted = [];
  for (let request = 0; request < 3; request++) {
    posted.push(await transport.post('v1/logs', Buffer.from('{}'), KIND));
  }
  transport.close();

  expect(posted).toEqual(Array.from({ length: 3 }, () => ({ status: 'accepted', body: Buffer.alloc(0) })));
  expect(server.connections).toBe(3);
});

test('a new connection that is closed at once is left to a later attempt', async () => {
  await using server = await startClosing(0, (socket) => socket.resetAndDestroy());
  const transport = new Transport({ endpoint: server.url, headers: {}, requestTimeoutMs: 5_000 });

  const posted = await transport.post('v1/logs', Buffer.from('{}'), KIND);
  transport.close();

  expect(posted).toMatchObject({ status: 'retry' });
  expect(server.connections).toBe(1);
});
