import type { TLSSocket } from "node:tls";

/** Protocol and cipher, as the Received field names them. */
export function describeTls(socket: TLSSocket): string {
  return [socket.getProtocol(), socket.getCipher()?.standardName].filter(Boolean).join(" ");
}
