import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface HttpListener extends AsyncDisposable {
  readonly port: number;
}

/** The server at a free port of 127.0.0.1; its end cuts all connections. */
export async function listenLocally(server: Server | TlsServer): Promise<HttpListener> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
