/** One request to a scanner about one body. */
import type { NetConnectOpts } from "node:net";

export interface Exchange<R> {
  /** Sends the next octets, which must not change afterwards. If it returns a promise, await it; it never rejects. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** Ends the body and resolves to the answer. Rejects with Trouble if there is no valid answer. */
  end(): Promise<R>;
  /** Safe at any time. */
  abort(): void;
}

/** Why a server gave no answer; the message is for the operator. */
export class Trouble extends Error {
  override readonly name = "Trouble";
}

/** Parses a server's address: a path, or `host:port`. */
export function placeOf(server: string): NetConnectOpts & { path?: string; host?: string; port?: number } {
  if (server.startsWith("/")) return { path: server };
  const colon = server.lastIndexOf(":");
  const host = server.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(server.slice(colon + 1)) };
}
