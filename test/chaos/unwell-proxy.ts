/** Stands between the service and its ClickHouse server, and can make that server slow, unwell, or deaf. */

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * `errors`: refuses most statements with what a server says when it is short of memory or has too many parts.
 * `answers lost`: the server does what it is told, and nobody hears that it has.
 */
export type Condition = 'well' | 'slow' | 'errors' | 'answers lost' | 'gone';

const SLOW_MS = 400;
/** Of a server that is unwell some statements come through. */
const ERRORS = 0.7;
const LOST = 0.5;
const EXCEPTIONS = [
  [241, 'Memory limit (total) exceeded: would use 9.31 GiB. (MEMORY_LIMIT_EXCEEDED)'],
  [252, 'Too many parts (3000). Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)'],
  [202, 'Too many simultaneous queries. Maximum: 100. (TOO_MANY_SIMULTANEOUS_QUERIES)'],
] as const;

export class UnwellProxy implements AsyncDisposable {
  condition: Condition = 'well';
  readonly #random: () => number;
  readonly #target: URL;
  readonly #server: http.Server;

  private constructor(target: string, random: () => number) {
    this.#target = new URL(target);
    this.#random = random;
    this.#server = http.createServer((request, response) => void this.#relay(request, response));
  }

  static async start(target: string, random: () => number): Promise<UnwellProxy> {
    const proxy = new UnwellProxy(target, random);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  /** The server's address with user and password, but for the port. */
  get url(): string {
    const url = new URL(this.#target);
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #relay(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { condition } = this;
    if (condition === 'gone') {
      request.socket.destroy();
      return;
    }
    if (condition === 'slow') await sleep(SLOW_MS * this.#random());
    if (condition === 'errors' && this.#random() < ERRORS) {
      refuse(request, response, EXCEPTIONS[Math.floor(this.#random() * EXCEPTIONS.length)] ?? EXCEPTIONS[0]);
      return;
    }
    const isLost = condition === 'answers lost' && this.#random() < LOST;
    const { method, url, headers } = request;
    const onward = http.request(
      { host: this.#target.hostname, port: this.#target.port, method, path: url, headers, agent: false },
      (answer) => {
        if (isLost) {
          answer.resume();
          answer.on('end', () => request.socket.destroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      },
    );
    onward.on('error', () => request.socket.destroy());
    request.on('error', () => onward.destroy());
    request.pipe(onward);
  }
}

function refuse(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  [code, text]: readonly [number, string],
): void {
  request.resume();
  request.on('end', () => {
    response.writeHead(500, { 'X-ClickHouse-Exception-Code': String(code), 'Content-Type': 'text/plain' });
    response.end(`Code: ${code}. DB::Exception: ${text}\n`);
  });
}
