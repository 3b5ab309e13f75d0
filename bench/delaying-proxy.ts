/** A TCP proxy on 127.0.0.1 that keeps every octet for half a round trip, each way; bandwidth is not limited. */
import { createServer, connect, type Server, type Socket } from "node:net";

export class DelayingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections so far. */
  connections = 0;

  private constructor(half: number, to: number) {
    this.#server = createServer({ noDelay: true }, (near) => {
      this.connections += 1;
      const far = connect({ host: "127.0.0.1", port: to, noDelay: true });
      this.#carry(near, far, half);
      this.#carry(far, near, half);
    });
  }

  /** Listens on `port`; `roundTrip` in ms. */
  static start(plan: { readonly port: number; readonly to: number; readonly roundTrip: number }) {
    const proxy = new DelayingProxy(plan.roundTrip / 2, plan.to);
    return new Promise<DelayingProxy>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(plan.port, "127.0.0.1", () => resolve(proxy));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #carry(from: Socket, to: Socket, half: number): void {
    this.#sockets.add(from);
    const later = (act: () => void): void => void setTimeout(act, half);
    from.on("data", (chunk) => later(() => to.write(chunk)));
    from.on("end", () => later(() => to.end()));
    from.on("error", () => later(() => to.destroy()));
    from.on("close", () => {
      this.#sockets.delete(from);
      later(() => to.destroy());
    });
  }
}
