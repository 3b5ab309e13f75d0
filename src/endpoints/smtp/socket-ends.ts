import type { Socket } from "node:net";
import { normaliseIp } from "../../mail/network.ts";
import type { Session } from "./session.ts";

/** What smtp-server is told of a connection: it would ask the system for both ends, and use neither here. */
export const UNNAMED = { id: "-", localAddress: "-", localPort: 1, remoteAddress: "-", remotePort: 1 };

/** Both ends of a connection, as the primary may be told; unknown where the peer speaks for `client`. */
export function endsOf(
  { remoteAddress = "", remotePort, localAddress }: Socket,
  client: string,
): Session["ends"] {
  if (remotePort === undefined || localAddress === undefined || normaliseIp(remoteAddress) !== client)
    return {};
  return { port: remotePort, server: normaliseIp(localAddress) };
}
