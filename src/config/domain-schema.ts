import type { Primary, Quota } from "../ports/directory.ts";
import { hostOrLiteral } from "./addresses.ts";
import { domainChecks } from "./checks-schema.ts";
import { defined } from "./defined.ts";
import { described } from "./notes.ts";
import { integer, size } from "./quantities.ts";
import { MISSING, recipients } from "./recipients-schema.ts";
import { choice, flag, message, oneOrMore, section } from "./scalars.ts";
import { transport, transportKeys } from "./transport-schema.ts";

const PRIMARY = "{ host: mail.example.com, port: 25 }, a list of these, or { mx: true }";

const QUOTA = "{ messages: 100000 }, { bytes: 20GB }, or both";

const primaryKeys = section({
  host: described(hostOrLiteral().optional(), {
    meaning: "The domain's own mail server: a name or an IP address. Required unless `mx` is true.",
    example: "mail.example.com",
  }),
  mx: described(flag().optional(), {
    meaning:
      "Deliver to the domain's own MX hosts, except this server and those that are less preferred than it.",
    example: "true",
    default: "`false`",
    rfc: "RFC 5321 §5.1",
  }),
  port: described(integer(1, 65_535).prefault("25"), {
    meaning: "TCP port of that server.",
    example: "2525",
  }),
  ...transportKeys,
  preference: described(integer(0, 65_535).prefault("10"), {
    meaning: "Lower values are tried first; primaries with equal values share the mail at random.",
    example: "20",
  }),
  weight: described(integer(1, 1000).optional(), {
    meaning:
      "The primary's share of the mail among primaries of equal preference: with weights 3 and 1, the first gets three of four mails.",
    example: "3",
    default: "`1`",
  }),
});

const primary = primaryKeys.transform((given, context): Primary => {
  const { host = "", mx = false, port, preference, weight } = given;
  if (mx && host !== "")
    context.addIssue({ code: "custom", message: message("has both host and mx", "keep one") });
  if (!mx && host === "")
    context.addIssue({ code: "custom", message: message("has no host", `write ${PRIMARY}`) });
  return { ...defined({ host, port, preference, weight }), ...transport(given, context), ...(mx && { mx }) };
});

const primaries = oneOrMore(primary, PRIMARY).transform((list, context) => {
  const seen = new Set<string>();
  for (const [index, one] of list.entries()) {
    const place = `${one.host}:${one.port}`;
    if (seen.has(place)) {
      const text = message("is the same server as an earlier one", "remove one");
      context.addIssue({ code: "custom", message: text, path: [index] });
    }
    seen.add(place);
  }
  return list;
});

const quota = section({
  messages: described(integer(1, 1_000_000_000).optional(), {
    meaning: "How many mails may be stored for the domain.",
    example: "100000",
    default: "no limit",
  }),
  bytes: described(size("1MB", "100TB").optional(), {
    meaning: "Total size of the bodies that may be stored for the domain.",
    example: "20GB",
    default: "no limit",
  }),
}).transform(({ messages, bytes }, context): Quota => {
  if (messages === undefined && bytes === undefined)
    context.addIssue({ code: "custom", message: message("sets no limit", `write ${QUOTA}`) });
  return defined({ messages, bytes });
});

export const domain = section({
  mode: described(choice("backup", "reflector").prefault("backup"), {
    meaning:
      "`backup`: this server is a secondary MX; `reflector`: it is the only MX and forwards every mail at once.",
    example: "reflector",
  }),
  primary: described(primaries, {
    meaning: "Where the domain's mail goes: one server or a list of them.",
    type: "mapping or list of mappings",
    example: "{ host: mail.example.com, port: 2525 }",
  }),
  recipients: described(recipients.optional(), {
    meaning:
      'Which addresses exist. A list contains local parts, addresses of this domain, or prefixes such as "list-*". `postmaster` always exists. An empty list means that only the API adds recipients.',
    type: "list or mapping",
    default: "must be set; `{ callout: true }` in mode `reflector`",
    example: '[alice, bob, "list-*"]',
  }),
  tagSeparator: described(
    choice("+", "none")
      .transform((separator) => (separator === "none" ? "" : separator))
      .prefault("+"),
    {
      meaning: "With `+`, alice+anything is alice; with `none`, the `+` has no special meaning.",
      example: "none",
      type: "`+` or `none`",
      rfc: "RFC 5233",
    },
  ),
  unknownDuringOutage: described(choice("accept", "defer", "reject").optional(), {
    meaning:
      "With `callout`: what happens to an unknown address while the primary is down or gives no answer that can be " +
      "believed. `accept` accepts at most 20 such addresses an hour from a client network (/24 or /64) and defers the " +
      "others. A list without `callout` is complete: other addresses are refused, even during an outage.",
    example: "defer",
    default: "`accept`; `reject` where a list is complete",
  }),
  bareNewlines: described(choice("normalise", "reject").prefault("normalise"), {
    meaning: "What happens to a bare CR or LF in a body: it is converted to CRLF, or the mail is refused.",
    example: "reject",
    rfc: "RFC 5321 §2.3.8",
  }),
  quota: described(quota.optional(), {
    meaning:
      "How much may be stored for the domain, including held and parked mail. Counted every 2 seconds, with a million mails " +
      "every 10. Beyond it senders get 452 and retry later. Keeps one domain's outage from filling the disk for all.",
    example: "{ messages: 100000, bytes: 20GB }",
    default: "no limit but `store.reserve`",
    type: "mapping",
  }),
  checks: described(domainChecks.optional(), {
    meaning: "Overrides `checks` for this domain.",
    example: "{ greylist: off }",
  }),
}).refine(({ mode, recipients: given }) => given !== undefined || mode === "reflector", {
  path: ["recipients"],
  error: MISSING,
  // Checked even if there are other mistakes.
  when: ({ value }) => typeof value === "object" && value !== null && !("recipients" in value),
});
