/**
 * The admin API: HTTP for operators, supervisors and the command-line tool.
 *
 * It has two listeners. The Unix socket in the data folder is protected by the operating system and needs no token. On
 * TCP, if configured, every route except /healthz and /readyz needs a bearer token, including /metrics. Requests and
 * responses are defined in contract.ts.
 *
 * Invariants: a token confined to a domain gives access to the queue, the recipients, the rules, the allowed senders
 * and `explain` of that domain and nothing else, because all other routes are behind a guard that refuses by default;
 * an empty filter never means everything; every change is recorded in the journal with the name of its author (a reload
 * without the name); health is answered from the main thread's own state, so that it is answered while another
 * thread hangs; every request is bounded in size and time.
 */
import { buildApplication } from "./application.ts";
import { FailureTable, requireToken, trustSocket } from "./authenticate.ts";
import { closeServer, httpServer, listenSocket, listenTcp } from "./listen.ts";
import type { AdminParts } from "./parts.ts";

export type { AdminParts, ControlStatus } from "./parts.ts";

interface AdminEndpoint {
  /** `address:port` of the TCP listener, where there is one. */
  readonly address?: string;
  readonly socket: string;
  /** Takes no new requests; resolves when those in progress have ended, after 2 s at the latest. */
  stop(): Promise<void>;
}

/** Starts both listeners. Rejects with CannotListen, which says what is in the way and what to do. */
export async function startAdmin(parts: AdminParts): Promise<AdminEndpoint> {
  const guard = requireToken(parts.tokens, new FailureTable(parts.clock));
  const remote = httpServer(buildApplication(parts, guard));
  const local = httpServer(buildApplication(parts, trustSocket()));
  const stop = async (): Promise<void> => void (await Promise.all([closeServer(remote), closeServer(local)]));
  try {
    await listenSocket(local, parts.socket);
    const { listen, socket } = parts;
    if (listen === undefined) return { socket, stop };
    return { address: await listenTcp(remote, listen.address, listen.port), socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
