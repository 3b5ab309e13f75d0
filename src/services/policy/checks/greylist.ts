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
  /** Whether all primaries of the domain have been down for a long time. */
  readonly longAway: (domain: string) => boolean;
}

interface AllParts extends GreylistParts {
  readonly settings: () => CheckSettings;
  readonly clock: Clock;
  /** Whether a list of good clients contains the address: the domain's lists or, if it sets none, the global ones. */
  readonly isGood: (ip: string, domain: DomainRecord) => Promise<boolean>;
  /** Whether SPF passes for the domain of the return-path. Queries the DNS if that was not done yet. */
  readonly isAligned: (subject: MailSubject) => Promise<boolean>;
}

const HOUR = 3_600_000;
/** A client that was deferred must return within this time. All times in ms. */
const RETRY_WINDOW = 24 * HOUR;
/** Clients that returned, and senders of accepted mail, are remembered this long after their last mail. */
const REMEMBERED = 35 * 24 * HOUR;
/** Least time between two updates of the time of the last mail. */
const REFRESH = 24 * HOUR;

const LONG_AWAY = accepted("suspended: the primaries have been down for more than an hour");
const KNOWN = accepted("known");
const CAME_AGAIN = accepted("returned after the delay");
const FROM_ELSEWHERE = accepted("returned after the delay, from another of its networks");
const CORRESPONDENT = accepted("sent mail to the domain before");
const ALIGNED = accepted("its domain sent mail before, and SPF passes");
const GOOD = accepted("on a list of good clients");

/**
 * Defers a client that comes for the first time with this network, sender and recipient: a mail server returns, most
 * junk does not. It may return from another network if SPF passes for both. No client is deferred while the domain's
 * primaries have been down for more than an hour: this is then the only way in, and mail is late enough. Nor is a
 * client that is on a list of good clients, or whose sender sent mail to the domain in the last 35 days, or whose
 * sender's domain did (with SPF passing then and now).
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

/** Remembers the client as known from now on. */
function pass(key: string, firstAt: number, { memory, clock }: AllParts): void {
  memory.note(key, { firstAt, passed: true, until: clock.now() + REMEMBERED });
}

interface Newcomer {
  readonly key: string;
  /** When the client first came from this network, ms since 1970. */
  readonly firstAt: number;
  readonly settings: GreylistSettings;
}

/**
 * Decides on a client that is new in its network. Large senders retry from other networks: if SPF allows each of them
 * to send for the sender's domain, they count as one client.
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

/** Whether SPF or a list speaks for the client. Called only if it would be deferred otherwise. */
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
  // SPF is not queried for this purpose alone.
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
