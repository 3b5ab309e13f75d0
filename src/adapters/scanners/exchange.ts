/** One conversation with a scanner about one body. */
import type { NetConnectOpts } from "node:net";

export interface Exchange<R> {
  /** Takes the next octets, which must not change any more. A promise: wait before the next; it never rejects. */
  write(chunk: Buffer): Promise<void> | undefined;
  /** That was all: its answer. Rejects with Trouble when there is none that makes sense. */
  end(): Promise<R>;
  /** Safe at any time. */
  abort(): void;
}

/** Why a server gave no answer; the message is for the operator. */
export class Trouble extends Error {
  override readonly name = "Trouble";
}

/** Where a server is, from a path or from `host:port`. */
export function placeOf(server: string): NetConnectOpts & { path?: string; host?: string; port?: number } {
  if (server.startsWith("/")) return { path: server };
  const colon = server.lastIndexOf(":");
  const host = server.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(server.slice(colon + 1)) };
}
