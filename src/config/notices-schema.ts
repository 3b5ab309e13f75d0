/** Notices to senders: whether, when, and by which route they are sent. */
import type { DsnRoute } from "../ports/dsn.ts";
import { hostOrLiteral } from "./addresses.ts";
import { described } from "./notes.ts";
import { duration, integer, size } from "./quantities.ts";
import { quoted } from "./problem.ts";
import { choice, oneOf, scalar, section, type Reading } from "./scalars.ts";
import { transport, transportKeys } from "./transport-schema.ts";

const ROUTE = "off, direct, or a host such as { host: smarthost.example.net, port: 587 }";

const { tls, implicitTls, pin, login } = transportKeys;

const host = section({
  host: described(hostOrLiteral(), {
    meaning: "The server that accepts notices and relays them: a name or an IP address.",
    example: "smarthost.example.net",
  }),
  port: described(integer(1, 65_535).prefault("25"), { meaning: "TCP port of that server.", example: "587" }),
  tls,
  implicitTls,
  pin,
  login,
}).transform((given, context): DsnRoute => {
  const { host: name, port } = given;
  return { kind: "host", host: name, port, ...transport(given, context) };
});

const bare = scalar(
  { type: "`off` or `direct`", expected: ROUTE, json: { enum: ["off", "direct"] } },
  (text): Reading<"off" | "direct"> =>
    text === "off" || text === "direct" ? { value: text } : { wrong: `${quoted(text)} is not a known value` },
);

const route = oneOf([bare.transform((kind): DsnRoute => ({ kind })), host], ROUTE);

export const notices = section({
  route: described(route.prefault("off"), {
    meaning:
      "The route of notices. A host: a smart host, with AUTH if `login` is set. `direct`: the MX of the sender's domain, so outgoing port 25 must be open. `off`: no sender is notified; refused and expired mail is parked, and the operator is alerted when a notice would have been appropriate.",
    example:
      "{ host: smarthost.example.net, port: 587, tls: verify, login: { user: holdfast, passwordFile: smarthost.secret } }",
    type: "`off`, `direct` or mapping",
    rfc: "RFC 3464",
  }),
  delay: described(
    oneOf([duration("1m", "365d"), choice("off")], "off, or a duration such as 4h")
      .transform((given) => (given === "off" ? undefined : given))
      .prefault("off"),
    {
      meaning:
        "Age of waiting mail at which its sender is notified of the delay, once. Most people mistake such a notice for a failure.",
      example: "4h",
      type: "duration or `off`",
      rfc: "RFC 3461 §4.1",
    },
  ),
  perSender: described(integer(1, 10_000).prefault("20"), {
    meaning: "Most notices to one address in 24 hours; beyond, the operator is alerted instead.",
    example: "5",
  }),
  fullSize: described(size("0B", "256KiB").prefault("50KB"), {
    meaning:
      "Mails up to this size are returned in full with a failure notice if the sender requested it (RET=FULL); otherwise only the header is returned.",
    example: "100KB",
    rfc: "RFC 3461 §4.3",
  }),
  retention: described(duration("1m", "60d").prefault("5d"), {
    meaning:
      "How long a notice is tried; then it is deleted, with a ledger entry but without another notice.",
    example: "2d",
    rfc: "RFC 5321 §4.5.4.1",
  }),
});
