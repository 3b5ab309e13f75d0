import { access } from "./access-schema.ts";
import { dnsbl, domainDnsbl } from "./dnsbl-schema.ts";
import { described } from "./notes.ts";
import { GREYLIST, greylist, REACHABILITY, reachability } from "./patience-schema.ts";
import { choice, flag, section, words } from "./scalars.ts";
import { clamav, domainClamav, domainRspamd, rspamd } from "./scanner-schema.ts";

/** A check that is asked for and not there must be an error: who wrote it relies on it. */

const SIMPLE = {
  helo: "What a client says in HELO: a full name or its own address, and not our name.",
  clientName:
    "Name of the client's address that points back to it (iprev). `lookup`: only written into Received, which all but `off` do when it stands in `checks`.",
  senderDomain: "Domain of the return-path: it has an MX record or an address, and no null MX.",
  earlyTalker: "A client that sends commands before it has the reply to HELO or EHLO, as junk senders do.",
  spf: "Whether the client may send for the domain of the return-path (SPF). All but `off` ask the DNS and write down what it says; `defer` and `reject` act on `fail` alone. Notices to senders need it.",
  dkim: "Signatures of the mail (DKIM). All but `off` verify them and write down what they say; `defer` and `reject` act on mail that is signed and of whose signatures none verifies.",
  dmarc:
    "Whether the domain of the From field stands behind the mail (DMARC), by SPF or a signature. `defer` and `reject` act on mail that fails where the domain asks for `reject`; `quarantine` sets it aside where the domain asks for `quarantine` or `reject`.",
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
    earlyTalker: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.earlyTalker,
      example: "defer",
      rfc: "RFC 2920 §3.1",
    }),
    spf: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.spf,
      example: "tag",
      rfc: "RFC 7208",
    }),
    dkim: described(choice("off", "tag", "defer", "reject").prefault("off"), {
      meaning: SIMPLE.dkim,
      example: "tag",
      rfc: "RFC 6376",
    }),
    dmarc: described(choice("off", "tag", "defer", "quarantine", "reject").prefault("off"), {
      meaning: SIMPLE.dmarc,
      example: "tag",
      rfc: "RFC 9989",
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
    earlyTalker: described(choice("off", "tag", "defer", "reject").optional(), note("earlyTalker", "defer")),
    spf: described(choice("off", "tag", "defer", "reject").optional(), note("spf", "tag")),
    dkim: described(choice("off", "tag", "defer", "reject").optional(), note("dkim", "tag")),
    dmarc: described(
      choice("off", "tag", "defer", "quarantine", "reject").optional(),
      note("dmarc", "reject"),
    ),
  };
}

export const checks = section({
  contact: described(words("a sentence or an address of yours").optional(), {
    meaning: "Ends the reply to those whom a check refuses: where they can turn to.",
    example: '"see https://example.net/mail"',
    default: "none",
  }),
  trace: described(flag().prefault("true"), {
    meaning:
      "What each check said of a mail is kept for `holdfast trace`, and of refused recipients also in the log.",
    example: "false",
  }),
  access,
  dnsbl,
  greylist: described(greylist().prefault("off"), GREYLIST),
  reachability: described(reachability().prefault("off"), REACHABILITY),
  ...forAll(),
  clamav,
  rspamd,
});

export const domainChecks = section({
  dnsbl: domainDnsbl,
  greylist: described(greylist().optional(), { ...GREYLIST, default: "as in `checks.greylist`" }),
  reachability: described(reachability().optional(), {
    ...REACHABILITY,
    default: "as in `checks.reachability`",
  }),
  ...ofDomain(),
  clamav: domainClamav,
  rspamd: domainRspamd,
});
