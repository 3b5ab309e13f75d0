/** Explains why a session could not begin, in words that an operator can act on. */
import { printable, type Reply } from "../../mail/reply.ts";
import type { DestinationTrouble } from "../../ports/smtp-client.ts";

/** Most characters of an explanation. */
const LONGEST = 300;
const PIN = "`tls: pin` trusts one by its fingerprint";

/** Messages of OpenSSL and their meaning here. nodemailer keeps the message of an error, but not its code. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [
    /wrong version number|packet length too long|http request/i,
    "it does not begin with TLS on this port; `implicitTls` is for servers that do, as on port 465",
  ],
  [/self[- ]signed certificate/i, `its certificate, or that of its authority, is self-signed; ${PIN}`],
  [
    /unable to verify the first certificate|unable to get (?:local )?issuer certificate/i,
    `its certificate is not from a known authority, or it does not send the intermediate certificates; ${PIN}`,
  ],
  [/certificate has expired/i, "its certificate has expired"],
  [/^connection closed/i, "it closed the connection instead of answering"],
];

/** Explains an error without a reply. */
export function errorWords(message: string): string {
  const meaning = MEANINGS.find(([pattern]) => pattern.test(message))?.[1];
  return meaning ?? printable(message).slice(0, LONGEST);
}

/** Explains a timeout while waiting for the greeting or a later reply. */
export function silenceWords(stage: DestinationTrouble["stage"]): string {
  if (stage !== "greeting") return "it no longer answers";
  return "it sends no greeting; `implicitTls` is for servers that begin with TLS on this port, as on 465";
}

/** Explains a reply that ended the session; `said` is the received text, which may be no SMTP reply at all. */
export function answerWords({ code, text }: Reply, said: string): string {
  const words = /^[2-5]\d\d/.test(said)
    ? `it answered ${code} ${text}`
    : `it does not speak SMTP: it sent ${printable(said)}`;
  return words.slice(0, LONGEST);
}

/** Explains the refusal of a STARTTLS that the settings require. */
export function noTlsWords(answer: Reply): string {
  return `it does not accept STARTTLS, which \`tls\` requires: ${answer.code} ${answer.text}`.slice(
    0,
    LONGEST,
  );
}
