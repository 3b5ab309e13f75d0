/** How Holdfast connects to a primary: TLS, pins, login, and what the primary is told about the client. */
import * as z from "zod";
import type { Login, Transport } from "../ports/directory.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { quoted } from "./problem.ts";
import { integer } from "./quantities.ts";
import { choice, flag, listOf, message, oneOf, scalar, section, words } from "./scalars.ts";

const PIN = "the SHA-256 of the certificate or of its public key, such as sha256:9f86d0...";

/** A pin: 64 hexadecimal digits, with or without colons, or base64. */
function pin() {
  const notation = { type: "SHA-256", expected: PIN, json: { type: "string" } };
  return scalar(notation, (text) => {
    const bare = text.replace(/^sha256(?::|\/\/|=)/i, "");
    const hex = bare.replaceAll(":", "").toLowerCase();
    if (/^[0-9a-f]{64}$/.test(hex)) return { value: hex };
    const bytes = Buffer.from(bare, "base64");
    if (/^[A-Za-z0-9+/]{43}=$/.test(bare) && bytes.length === 32) return { value: bytes.toString("hex") };
    return { wrong: `${quoted(text)} is not a SHA-256 fingerprint` };
  });
}

const login = section({
  user: described(words("a user name"), { meaning: "User name.", example: "holdfast" }),
  passwordFile: described(words("the path of a file that holds the password").optional(), {
    meaning:
      "File whose first line is the password; the path is relative to the configuration. Read at each login.",
    example: "/run/credentials/primary",
    type: "path",
  }),
  passwordEnv: described(words("the name of an environment variable").optional(), {
    meaning: "Environment variable of the daemon that holds the password.",
    example: "PRIMARY_PASSWORD",
  }),
  method: described(choice("plain", "login").optional(), {
    meaning: "SASL mechanism; by default `plain` if the primary offers it, else `login`.",
    example: "login",
    rfc: "RFC 4616",
    default: "what is offered",
  }),
}).transform((given, context): Login => {
  const { passwordFile, passwordEnv } = given;
  if ((passwordFile === undefined) === (passwordEnv === undefined)) {
    const wrong = passwordFile === undefined ? "has no password" : "has two passwords";
    context.addIssue({ code: "custom", message: message(wrong, "write passwordFile or passwordEnv") });
  }
  return defined(given);
});

export const transportKeys = {
  tls: described(choice("none", "opportunistic", "require", "verify", "pin").prefault("opportunistic"), {
    meaning:
      "`none`: never; `opportunistic`: when offered; `require`: encrypted or not at all; `verify`: as `require`, with a certificate that is valid for the name; `pin`: as `require`, with the certificate or key given by `pin`.",
    example: "verify",
    rfc: "RFC 3207, RFC 7435",
  }),
  implicitTls: described(flag().optional(), {
    meaning: "TLS from the first octet on, instead of STARTTLS.",
    example: "true",
    default: "`true` for port 465, else `false`",
    rfc: "RFC 8314 §3.3",
  }),
  pin: described(oneOf([pin().transform((one) => [one]), listOf(pin(), PIN)], PIN).optional(), {
    meaning:
      "SHA-256 of the primary's certificate (DER) or of its public key, in hexadecimal or base64; several while keys change. Needed for `tls: pin`.",
    example: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    type: "SHA-256, or a list",
  }),
  identity: described(choice("headers", "xforward", "xclient").optional(), {
    meaning:
      "How the primary learns about the client that sent a mail. `headers`: by Received fields, and by XFORWARD if it is offered; `xforward`: the same, with an alert if XFORWARD is not offered; `xclient`: the primary sees the client instead of us and checks it again, perhaps days later.",
    example: "xclient",
    default: "`headers`",
  }),
  pipelining: described(choice("none", "envelope", "mails").optional(), {
    meaning:
      "What is sent without waiting for replies if PIPELINING is offered. `envelope`: MAIL, RCPT and DATA of one mail; `mails`: also the next mail's envelope together with a body; `none`: nothing, for a primary whose filter loses count.",
    example: "envelope",
    rfc: "RFC 2920",
    default: "`mails`",
  }),
  chunking: described(flag().optional(), {
    meaning:
      "Whether whole mails are sent by BDAT, up to 8 in flight, if CHUNKING and PIPELINING are offered and `pipelining` is `mails`.",
    example: "false",
    rfc: "RFC 3030",
    default: "`true`",
  }),
  connections: described(integer(1, 1000).optional(), {
    meaning: "Most connections to this primary at the same time.",
    example: "4",
    default: "`delivery.connections`",
  }),
  mailsPerConnection: described(integer(1, 100_000).optional(), {
    meaning: "Mails delivered over one connection before it is closed.",
    example: "20",
    default: "`delivery.mailsPerConnection`",
  }),
  mailsPerSecond: described(integer(1, 100_000).optional(), {
    meaning: "Most mails a second to this primary, over all connections.",
    example: "10",
    default: "no limit",
  }),
  login: described(login.optional(), {
    meaning: "AUTH before mail is delivered; needs `tls: require`, `verify` or `pin`.",
    example: "{ user: holdfast, passwordFile: primary.secret }",
    rfc: "RFC 4954",
  }),
};

const together = z.object(transportKeys);
type Given = z.output<typeof together>;

/** Converts the keys to the form of the directory; contradictions are reported to the context. */
export function transport(
  given: Given,
  context: { addIssue(issue: { code: "custom"; message: string; path: string[] }): void },
): Transport {
  const { tls, implicitTls, pin: pins, login: credentials } = given;
  const complain = (key: string, wrong: string, right: string): void =>
    context.addIssue({ code: "custom", message: message(wrong, right), path: [key] });
  if (tls === "pin" && (pins === undefined || pins.length === 0))
    complain("tls", "needs the key pin", `add pin with ${PIN}`);
  if (tls !== "pin" && pins !== undefined)
    complain("pin", "has no effect without tls: pin", "write tls: pin, or remove it");
  if (tls === "none" && implicitTls === true) complain("implicitTls", "contradicts tls: none", "remove one");
  if (credentials !== undefined && (tls === "none" || tls === "opportunistic"))
    complain("login", "could be sent unencrypted", "write tls: require, verify or pin");
  const { identity, pipelining, chunking, connections, mailsPerConnection, mailsPerSecond } = given;
  const pacing = { pipelining, chunking, connections, mailsPerConnection, mailsPerSecond };
  return defined({ tls, implicitTls, pins, login: credentials, identity, ...pacing });
}
