/**
 * The SMTP client: TCP, greeting, EHLO and STARTTLS (by nodemailer), then mails one after another over our own
 * small transaction engine, because it must be known exactly whether a final dot had left when a connection broke.
 *
 * TLS levels: `none` never; `opportunistic` STARTTLS when offered, unverified, and when the handshake fails the
 * session is dialled again in clear; `require` TLS, unverified; `verify` TLS with a certificate that fits the name;
 * `pin` TLS with a certificate or key that is named. AUTH goes over TLS only, after the pins were compared.
 *
 * Invariants: the body goes out as it is stored, only dots are doubled, and CRLF is added where it does not end
 * with one. Eight-bit bodies are sent as they are to peers without 8BITMIME, because converting would break
 * signatures. Each reply is bounded in octets and in time. A 421 is trouble of the destination, whatever it answers.
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
