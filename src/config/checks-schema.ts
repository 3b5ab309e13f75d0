/** The checks: the meaning of each key, for all domains and for one domain. */
import { replyWords } from "../mail/reply-words.ts";
import { access } from "./access-schema.ts";
import { dnsbl, domainDnsbl } from "./dnsbl-schema.ts";
import { described } from "./notes.ts";
import { GREYLIST, greylist, REACHABILITY, reachability } from "./patience-schema.ts";
import { choice, flag, patterned, section } from "./scalars.ts";
import { clamav, domainClamav, domainRspamd, rspamd } from "./scanner-schema.ts";

const ACTIONS = ["off", "tag", "defer", "reject"] as const;

interface CheckNote {
  readonly meaning: string;
  readonly example: string;
  /** The example shown for a domain. */
  readonly own: string;
  readonly rfc: string;
}

/** A check that is set by one word, for all domains or for a single domain. */
function check<const W extends string>(name: string, words: readonly W[], note: CheckNote) {
  const { meaning, example, own, rfc } = note;
  return {
    forAll: described(choice(...words).prefault("off"), { meaning, example, rfc }),
    ofDomain: described(choice(...words).optional(), {
      meaning,
      example: own,
      default: `as in \`checks.${name}\``,
    }),
  };
}

const helo = check("helo", ACTIONS, {
  meaning: "Whether the client's HELO is a full name or the client's own address, and not our name.",
  example: "tag",
  own: "defer",
  rfc: "RFC 5321 §4.1.4",
});
const clientName = check("clientName", ["off", "lookup", "tag", "defer", "reject"], {
  meaning:
    "Whether the client's address has a name that resolves to that address (iprev). `lookup` only writes the name into Received; when set in `checks`, all values but `off` do this.",
  example: "lookup",
  own: "tag",
  rfc: "RFC 8601 §2.7.3",
});
const senderDomain = check("senderDomain", ACTIONS, {
  meaning: "Whether the domain of the return path has an MX record or an address, and no null MX.",
  example: "defer",
  own: "reject",
  rfc: "RFC 7505 §4.2",
});
const earlyTalker = check("earlyTalker", ACTIONS, {
  meaning: "Whether the client sends commands before it gets the reply to HELO or EHLO, as junk senders do.",
  example: "defer",
  own: "defer",
  rfc: "RFC 2920 §3.1",
});
const spf = check("spf", ACTIONS, {
  meaning:
    "Whether the client may send for the domain of the return path (SPF). All values but `off` query the DNS and record the result; `defer` and `reject` act on `fail` only. Notices to senders require it.",
  example: "tag",
  own: "tag",
  rfc: "RFC 7208",
});
const dkim = check("dkim", ACTIONS, {
  meaning:
    "Signatures of the mail (DKIM). All values but `off` verify them and record the result; `defer` and `reject` act on signed mail without any valid signature.",
  example: "tag",
  own: "tag",
  rfc: "RFC 6376",
});
const dmarc = check("dmarc", ["off", "tag", "defer", "quarantine", "reject"], {
  meaning:
    "Whether SPF or a signature authenticates the domain of the From field (DMARC). `defer` and `reject` act on mail that fails if the domain's policy is `reject`; `quarantine` quarantines it if the policy is `quarantine` or `reject`.",
  example: "tag",
  own: "reject",
  rfc: "RFC 9989",
});

const CONTACT = replyWords("a sentence or an address of yours, in US-ASCII");

export const checks = section({
  contact: described(patterned(CONTACT, "text").optional(), {
    meaning:
      "Text at the end of the reply when a check refuses a client: whom to contact. US-ASCII, at most 200 characters.",
    example: '"see https://example.net/mail"',
    default: "none",
  }),
  trace: described(flag().prefault("true"), {
    meaning:
      "Whether the result of each check is kept for `holdfast trace`, and for refused recipients also in the log.",
    example: "false",
  }),
  access,
  dnsbl,
  greylist: described(greylist().prefault("off"), GREYLIST),
  reachability: described(reachability().prefault("off"), REACHABILITY),
  helo: helo.forAll,
  clientName: clientName.forAll,
  senderDomain: senderDomain.forAll,
  earlyTalker: earlyTalker.forAll,
  spf: spf.forAll,
  dkim: dkim.forAll,
  dmarc: dmarc.forAll,
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
  helo: helo.ofDomain,
  clientName: clientName.ofDomain,
  senderDomain: senderDomain.ofDomain,
  earlyTalker: earlyTalker.ofDomain,
  spf: spf.ofDomain,
  dkim: dkim.ofDomain,
  dmarc: dmarc.ofDomain,
  clamav: domainClamav,
  rspamd: domainRspamd,
});
