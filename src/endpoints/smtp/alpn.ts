/**
 * Application protocols within TLS, RFC 7301. A client that offers only other protocols is no mail client: its
 * handshake ends with `no_application_protocol`, so that a client of another protocol cannot be redirected to this
 * server (the ALPACA attack). A client that offers no protocol is served.
 */
import { TLS_SOCKET_OPTIONS } from "smtp-server/lib/smtp-connection.js";

const OURS: ReadonlySet<string> = new Set(["smtp", "esmtp"]);

/** smtp-server passes only the options in this list to its TLS sockets, and would leave this one out. */
if (!TLS_SOCKET_OPTIONS.includes("ALPNCallback")) TLS_SOCKET_OPTIONS.push("ALPNCallback");

export function chooseProtocol({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((name) => OURS.has(name));
}
