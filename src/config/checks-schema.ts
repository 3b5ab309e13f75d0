import * as z from "zod";
import { access } from "./access-schema.ts";
import { dnsbl, domainDnsbl } from "./dnsbl-schema.ts";
import { described, notations } from "./notes.ts";
import { duration } from "./quantities.ts";
import { choice, kindOf, message, section, words } from "./scalars.ts";
import { clamav, domainClamav, domainRspamd, rspamd } from "./scanner-schema.ts";
import type { MissingCheck } from "./shape.ts";

const CHECKS: Readonly<Record<MissingCheck, string>> = {
  dmarc: "Whether the author's domain stands behind the mail.",
  reachability: "Whether the return-path can be written to.",
};

/** A check that is asked for and not there must be an error: who wrote it relies on it. */
function off(name: string, meaning: string) {
  const schema = z.unknown().transform((given, context): "off" => {
    if (given === "off" || given === "false") return "off";
    const wrong =
      typeof given === "string" && given !== "" ? `${given.slice(0, 40)} is asked for` : kindOf(given);
    const text = message(
      `${wrong}, and the check is not in this version`,
      `write ${name}: off or leave it out`,
    );
    context.addIssue({ code: "custom", message: text });
    return z.NEVER;
  });
  notations.add(schema, { type: "`off`", expected: "off", json: { enum: ["off"] } });
  return described(schema.prefault("off"), { meaning: `${meaning} Not in this version.`, example: "off" });
}

const SIMPLE = {
  helo: "What a client says in HELO: a full name or its own address, and not our name.",
  clientName:
    "Name of the client's address that points back to it (iprev). `lookup`: only written into Received, which all but `off` do when it stands in `checks`.",
  senderDomain: "Domain of the return-path: it has an MX record or an address, and no null MX.",
  spf: "Whether the client may send for the domain of the return-path (SPF). All but `off` ask the DNS and write down what it says; `defer` and `reject` act on `fail` alone. Notices to senders need it.",
};

function forAll() {
  return {
    helo: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.helo,
      example: "tag",
      rfc: "RFC 5321 §4.1.4",
    }),
    clientName: described(choice("off", "lookup", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.clientName,
      example: "lookup",
      rfc: "RFC 8601 §2.7.3",
    }),
    senderDomain: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.senderDomain,
      example: "defer",
      rfc: "RFC 7505 §4.2",
    }),
    spf: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.spf,
      example: "tag",
      rfc: "RFC 7208",
    }),
  };
}

function ofDomain() {
  const note = (name: keyof typeof SIMPLE, example: string) => ({
    meaning: SIMPLE[name],
    example,
    default: `as in \`checks.${name}\``,
  });
  return {
    helo: described(choice("off", "tag", "defer", "reject").optional(), note("helo", "defer")),
    clientName: described(
      choice("off", "lookup", "tag", "defer", "reject").optional(),
      note("clientName", "tag"),
    ),
    senderDomain: described(
      choice("off", "tag", "defer", "reject").optional(),
      note("senderDomain", "reject"),
    ),
    spf: described(choice("off", "tag", "defer", "reject").optional(), note("spf", "tag")),
  };
}

const GREYLIST = {
  meaning:
    "A client that is new by network, sender and recipient is put off once with 451; who came again is known for 35 days. Not while all primaries of the domain are away for over an hour, nor for clients on a list of good ones.",
  type: "`off`, `on` or mapping",
  example: "{ delay: 2m }",
};

function greylist() {
  const keys = section({
    delay: described(duration("1s", "1h").prefault("1m"), {
      meaning: "How long a client must wait before it comes again.",
      example: "2m",
    }),
  });
  const forms = z.union([choice("off", "on"), keys], {
    error: (issue) => message(kindOf(issue.input), "write off, on or { delay: 1m }"),
  });
  return forms.transform((given) => (given === "on" ? { delay: 60_000 } : given));
}

function missing() {
  return {
    dmarc: off("dmarc", CHECKS.dmarc),
    reachability: off("reachability", CHECKS.reachability),
  };
}

export const checks = section({
  contact: described(words("a sentence or an address of yours").optional(), {
    meaning: "Ends the reply to those whom a check refuses: where they can turn to.",
    example: '"see https://example.net/mail"',
    default: "none",
  }),
  access,
  dnsbl,
  greylist: described(greylist().prefault("off"), GREYLIST),
  ...forAll(),
  clamav,
  rspamd,
  ...missing(),
});

export const domainChecks = section({
  dnsbl: domainDnsbl,
  greylist: described(greylist().optional(), { ...GREYLIST, default: "as in `checks.greylist`" }),
  ...ofDomain(),
  clamav: domainClamav,
  rspamd: domainRspamd,
  ...missing(),
});
