/**
 * Application protocols within TLS, RFC 7301. A client that names some, and none of ours, is no mail client: the
 * handshake ends with `no_application_protocol`, so that no other protocol can be led here (ALPACA). One that names none
 * is served.
 */
import { TLS_SOCKET_OPTIONS } from "smtp-server/lib/smtp-connection.js";

const OURS: ReadonlySet<string> = new Set(["smtp", "esmtp"]);

/** The names of the options that smtp-server hands on to its TLS sockets; this one it would leave out. */
if (!TLS_SOCKET_OPTIONS.includes("ALPNCallback")) TLS_SOCKET_OPTIONS.push("ALPNCallback");

export function chooseProtocol({ protocols }: { readonly protocols: readonly string[] }): string | undefined {
  return protocols.find((name) => OURS.has(name));
}
