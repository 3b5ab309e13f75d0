import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { CheckSettings, GreylistSettings } from "../../../ports/checks.ts";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { Greylist } from "../../../ports/greylist.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Later } from "../../../runtime/at-once.ts";
import type { MailSubject, RcptSubject, Said, StageCheck } from "../check.ts";
import { refusal } from "../refusal.ts";
import { keyOf, letterOf, senderDomainOf } from "./known-keys.ts";
import { sightingOf } from "./sighting.ts";

export interface GreylistParts {
  readonly memory: Greylist;
  /** Whether the domain's primaries are all away, and have been for long. */
  readonly longAway: (domain: string) => boolean;
}

interface AllParts extends GreylistParts {
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

const LONG_AWAY = accepted("suspended: the primaries have been down for more than an hour");
const KNOWN = accepted("known");
const CAME_AGAIN = accepted("returned after the delay");
const FROM_ELSEWHERE = accepted("returned after the delay, from another of its networks");
const CORRESPONDENT = accepted("sent mail to the domain before");
const ALIGNED = accepted("its domain sent mail before, and SPF passes");
const GOOD = accepted("on a list of good clients");

/**
 * A client that comes for the first time (by network, sender and recipient) is put off; a mail server comes again,
 * most junk does not; it may do so from another network, where SPF passes for both. Nobody is put off while the
 * domain's primaries are away for more than an hour: then this is the only way in, and mail is late enough. Nor is a
 * client that is known otherwise: to a list of good clients, or because the domain took mail from this sender, or from
 * a sender of a domain for which SPF passes, in the last 35 days.
 */
export function greylistCheck(parts: AllParts): StageCheck<"rcpt"> {
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

function look(subject: RcptSubject, { domain, settings }: Case, parts: AllParts): Later<Verdict> {
  const { memory, clock } = parts;
  const now = clock.now();
  const key = keyOf(subject.network, ...letterOf(subject));
  const since = sightingOf(key, parts);
  if (since?.passed === true) {
    if (now + REMEMBERED - since.until >= REFRESH) pass(key, since.firstAt, parts);
    return KNOWN;
  }
  const firstAt = since?.firstAt ?? now;
  if (firstAt + settings.delay <= now) {
    pass(key, firstAt, parts);
    return CAME_AGAIN;
  }
  if (since === undefined) memory.note(key, { firstAt, passed: false, until: now + RETRY_WINDOW });
  if (sightingOf(senderKey(subject.sender, domain.name), parts) !== undefined) return CORRESPONDENT;
  return vouched(subject, domain, parts).then(
    (voucher) => voucher ?? anywhere(subject, { key, firstAt, settings }, parts),
  );
}

/** Known from here on. */
function pass(key: string, firstAt: number, { memory, clock }: AllParts): void {
  memory.note(key, { firstAt, passed: true, until: clock.now() + REMEMBERED });
}

interface Newcomer {
  readonly key: string;
  /** When it came first from this network. */
  readonly firstAt: number;
  readonly settings: GreylistSettings;
}

/**
 * Large senders try again from other networks. Where SPF lets each of them send for the sender's domain, it is one
 * client that comes again.
 */
async function anywhere(
  subject: RcptSubject,
  { key, firstAt, settings }: Newcomer,
  parts: AllParts,
): Promise<Verdict> {
  const now = parts.clock.now();
  let began = firstAt;
  if (subject.sender !== "" && (await parts.isAligned(subject))) {
    const letter = keyOf("letter", ...letterOf(subject));
    const before = sightingOf(letter, parts);
    if (before === undefined)
      parts.memory.note(letter, { firstAt, passed: false, until: now + RETRY_WINDOW });
    else began = Math.min(firstAt, before.firstAt);
  }
  const wait = began + settings.delay - now;
  if (wait > 0) return putOff(wait, settings, parts);
  pass(key, firstAt, parts);
  return FROM_ELSEWHERE;
}

/** What others say for the client; asked only where it would be put off. */
async function vouched(
  subject: RcptSubject,
  domain: DomainRecord,
  parts: AllParts,
): Promise<Verdict | undefined> {
  const key = alignedKey(subject.sender, domain.name);
  const knownDomain = subject.sender !== "" && sightingOf(key, parts) !== undefined;
  if (knownDomain && (await parts.isAligned(subject))) return ALIGNED;
  return (await parts.isGood(subject.ip, domain)) ? GOOD : undefined;
}

function putOff(wait: number, { action = "defer" }: GreylistSettings, { settings }: AllParts): Verdict {
  if (action === "tag") return { kind: "tag", field: "X-Holdfast-Greylist: new" };
  const seconds = Math.ceil(wait / 1000);
  return refusal("defer", "7.1", [`You are new here, try again in ${seconds} s`, settings().contact]);
}

function rememberSender(subject: MailSubject, domain: string, parts: AllParts): void {
  remember(senderKey(subject.sender, domain), parts);
  // Nobody is asked for this alone.
  if (subject.spf?.asked === undefined) return;
  void parts.isAligned(subject).then((aligned) => {
    if (aligned) remember(alignedKey(subject.sender, domain), parts);
  });
}

function remember(key: string, { memory, clock }: AllParts): void {
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
