import type { Socket } from "node:net";
import { normaliseIp } from "../../mail/network.ts";
import type { Session } from "./session.ts";

/** Both ends of a connection, as the primary may be told; unknown where the peer speaks for `client`. */
export function endsOf(
  { remoteAddress = "", remotePort, localAddress }: Socket,
  client: string,
): Session["ends"] {
  if (remotePort === undefined || localAddress === undefined || normaliseIp(remoteAddress) !== client)
    return {};
  return { port: remotePort, server: normaliseIp(localAddress) };
}
