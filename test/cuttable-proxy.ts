/** A TCP proxy that can be cut, as a network can, and that can be slow: connections stay, and what is sent is on its way. */

import { once } from 'node:events';
import net from 'node:net';

export class CuttableProxy implements AsyncDisposable {
  #target: URL;
  /** Each client's connection, and ours to the target. */
  readonly #relays = new Map<net.Socket, net.Socket>();
  #isHeld = false;
  #server: net.Server | undefined;
  #port = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
  }

  static async start(target: string): Promise<CuttableProxy> {
    const proxy = new CuttableProxy(target);
    await proxy.mend();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Connections that are made from now on go there. */
  retarget(target: string): void {
    this.#target = new URL(target);
  }

  /** What clients send from now on is on its way until {@link release}. */
  hold(): void {
    this.#isHeld = true;
    for (const [client, upstream] of this.#relays) client.unpipe(upstream);
  }

  release(): void {
    this.#isHeld = false;
    for (const [client, upstream] of this.#relays) client.pipe(upstream);
  }

  /** Listens again, on the port that it had. */
  async mend(): Promise<void> {
    this.#server = net.createServer((client) => this.#relay(client)).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as net.AddressInfo).port;
  }

  /** Connections break, and none is made until it is mended. */
  async cut(): Promise<void> {
    const closed = this.#server === undefined ? undefined : once(this.#server, 'close');
    this.#server?.close();
    for (const socket of [...this.#relays].flat()) socket.destroy();
    await closed;
    this.#server = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cut();
  }

  #relay(client: net.Socket): void {
    const upstream = net.connect(Number(this.#target.port), this.#target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#relays.delete(client);
        to.destroy();
      });
    }
    this.#relays.set(client, upstream);
    upstream.pipe(client);
    if (!this.#isHeld) client.pipe(upstream);
  }
}
