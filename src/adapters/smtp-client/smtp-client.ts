/**
 * The SMTP client: TCP, greeting, EHLO and STARTTLS (by nodemailer), then one mail after another by our own small
 * transaction engine, because it must be known exactly whether the final dot was sent when a connection breaks.
 *
 * TLS levels: `none` never; `opportunistic` STARTTLS when offered, unverified; if the handshake fails, the client
 * reconnects without TLS; `require` TLS, unverified; `verify` TLS with a certificate that is valid for the name; `pin`
 * TLS with a pinned certificate or key. AUTH is sent over TLS only, after the pins were compared.
 *
 * Invariants: the body is sent as stored, except that dots are stuffed and a missing final CRLF is added. Eight-bit
 * bodies are sent unchanged to peers without 8BITMIME, because converting would break signatures. Each reply is bounded
 * in octets and in time. A 421 concerns the destination, whichever command it answers.
 */
import type { SmtpClient } from "../../ports/smtp-client.ts";
import { LockStep } from "./lock-step.ts";
import { openConnection } from "./open-connection.ts";
import { CLIENT_TIMEOUTS, type SmtpClientSettings } from "./settings.ts";

export { dsnComposer } from "./compose-dsn.ts";

/** Makes a client that introduces itself as `hostname`. */
export function smtpClient(
  settings: Partial<SmtpClientSettings> & Pick<SmtpClientSettings, "hostname" | "clock">,
): SmtpClient {
  const all: SmtpClientSettings = { ...CLIENT_TIMEOUTS, ...settings };
  const parts = { settings: all, lockStep: new LockStep(all.clock) };
  return {
    connect: (target, timeout) => openConnection(target, timeout, parts),
    converse: async (target, greetingTimeout) =>
      (await openConnection(target, all.connect, parts)).converse(greetingTimeout),
  };
}
