import { mailboxKey } from "../../../mail/address.ts";
import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { CheckSettings, GreylistSettings } from "../../../ports/checks.ts";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { Greylist } from "../../../ports/greylist.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Later } from "../../../runtime/at-once.ts";
import type { MailSubject, RcptSubject, Said, StageCheck } from "../check.ts";
import { refusal } from "../refusal.ts";
import { keyOf, senderDomainOf } from "./known-keys.ts";
import { sightingOf } from "./sighting.ts";

export interface GreylistParts {
  readonly memory: Greylist;
  /** Whether the domain's primaries are all away, and have been for long. */
  readonly longAway: (domain: string) => boolean;
}

interface Judges extends GreylistParts {
  readonly settings: () => CheckSettings;
  readonly clock: Clock;
  /** Whether a list of good clients has the address, as the domain or all have them. */
  readonly isGood: (ip: string, domain: DomainRecord) => Promise<boolean>;
  /** Whether SPF says that the client may send for the domain of the return-path; asks where nobody has yet. */
  readonly isAligned: (subject: MailSubject) => Promise<boolean>;
}

const HOUR = 3_600_000;
/** Who was put off must come again within this time. All in ms. */
const RETRY_WINDOW = 24 * HOUR;
/** Those who came again, and those who wrote before, are remembered this long after their last mail. */
const REMEMBERED = 35 * 24 * HOUR;
/** The last mail is noted no more often than this. */
const REFRESH = 24 * HOUR;

const LONG_AWAY = accepted("nobody is put off: the primaries are away for more than an hour");
const KNOWN = accepted("known");
const CAME_AGAIN = accepted("came again after the delay");
const CORRESPONDENT = accepted("wrote to the domain before");
const ALIGNED = accepted("its domain wrote before, and SPF passes");
const GOOD = accepted("on a list of good clients");

/**
 * A client that comes for the first time (by network, sender and recipient) is put off; a mail server comes again,
 * most junk does not. Nobody is put off while the domain's primaries are away for more than an hour: then this is the
 * only way in, and mail is late enough. Nor is a client that is known otherwise: to a list of good clients, or
 * because the domain took mail from this sender, or from a sender of a domain for which SPF passes, in the last 35
 * days.
 */
export function greylistCheck(parts: Judges): StageCheck<"rcpt"> {
  const settingsOf = (domain: DomainRecord | undefined): GreylistSettings | "off" =>
    domain?.settings.checks?.greylist ?? parts.settings().greylist ?? "off";
  const run = (subject: RcptSubject): Later<Said> => {
    const { domain } = subject;
    const settings = settingsOf(domain);
    if (settings === "off" || domain === undefined) return undefined;
    if (parts.longAway(domain.name)) return LONG_AWAY;
    return look(subject, { domain, settings }, parts);
  };
  const taken = (subject: MailSubject, domains: readonly DomainRecord[]): void => {
    for (const domain of domains)
      if (subject.sender !== "" && settingsOf(domain) !== "off") rememberSender(subject, domain.name, parts);
  };
  return { name: "greylist", stage: "rcpt", reputation: true, last: true, run, taken };
}

interface Case {
  readonly domain: DomainRecord;
  readonly settings: GreylistSettings;
}

function look(subject: RcptSubject, { domain, settings }: Case, parts: Judges): Later<Verdict> {
  const { memory, clock } = parts;
  const now = clock.now();
  const { recipient } = subject;
  const key = keyOf(subject.network, subject.sender.toLowerCase(), mailboxKey(recipient));
  const since = sightingOf(key, parts);
  const wait = since === undefined ? settings.delay : Math.max(0, since.firstAt + settings.delay - now);
  if (since?.passed === true || wait === 0) {
    const until = now + REMEMBERED;
    const firstAt = since?.firstAt ?? now;
    if (since?.passed !== true || until - since.until >= REFRESH)
      memory.note(key, { firstAt, passed: true, until });
    return since?.passed === true ? KNOWN : CAME_AGAIN;
  }
  if (since === undefined) memory.note(key, { firstAt: now, passed: false, until: now + RETRY_WINDOW });
  if (sightingOf(senderKey(subject.sender, recipient.domain), parts) !== undefined) return CORRESPONDENT;
  return vouched(subject, domain, parts).then((voucher) => voucher ?? putOff(wait, settings, parts));
}

/** What others say for the client; asked only where it would be put off. */
async function vouched(
  subject: RcptSubject,
  domain: DomainRecord,
  parts: Judges,
): Promise<Verdict | undefined> {
  const key = alignedKey(subject.sender, domain.name);
  const knownDomain = subject.sender !== "" && sightingOf(key, parts) !== undefined;
  if (knownDomain && (await parts.isAligned(subject))) return ALIGNED;
  return (await parts.isGood(subject.ip, domain)) ? GOOD : undefined;
}

function putOff(wait: number, { action = "defer" }: GreylistSettings, { settings }: Judges): Verdict {
  if (action === "tag") return { kind: "tag", field: "X-Holdfast-Greylist: new" };
  const seconds = Math.ceil(wait / 1000);
  return refusal("defer", "7.1", [`You are new here, try again in ${seconds} s`, settings().contact]);
}

function rememberSender(subject: MailSubject, domain: string, parts: Judges): void {
  remember(senderKey(subject.sender, domain), parts);
  // Nobody is asked for this alone.
  if (subject.spf?.asked === undefined) return;
  void parts.isAligned(subject).then((aligned) => {
    if (aligned) remember(alignedKey(subject.sender, domain), parts);
  });
}

function remember(key: string, { memory, clock }: Judges): void {
  const now = clock.now();
  const until = now + REMEMBERED;
  const known = memory.find(key);
  if (known !== undefined && until - known.until < REFRESH) return;
  memory.note(key, { firstAt: known?.firstAt ?? now, passed: true, until });
}

function senderKey(sender: string, domain: string): string {
  return keyOf("sender", sender.toLowerCase(), domain);
}

function alignedKey(sender: string, domain: string): string {
  return keyOf("aligned", senderDomainOf(sender), domain);
}
