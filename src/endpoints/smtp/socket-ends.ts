import type { Socket } from "node:net";
import { normaliseIp } from "../../mail/network.ts";
import type { Session } from "./session.ts";

/** Placeholders for both ends of a connection: smtp-server would ask the system for them, and never use them. */
export const UNNAMED = { id: "-", localAddress: "-", localPort: 1, remoteAddress: "-", remotePort: 1 };

/** Both ends of a connection, which the primary may be told. Empty if the peer is not `client` but speaks for it. */
export function endsOf(
  { remoteAddress = "", remotePort, localAddress }: Socket,
  client: string,
): Session["ends"] {
  if (remotePort === undefined || localAddress === undefined || normaliseIp(remoteAddress) !== client)
    return {};
  return { port: remotePort, server: normaliseIp(localAddress) };
}
