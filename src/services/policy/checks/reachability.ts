import { accepted, type Verdict } from "../../../mail/verdict.ts";
import type { CheckSettings, ReachabilitySettings } from "../../../ports/checks.ts";
import type { Greylist } from "../../../ports/greylist.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { timeInWords } from "../../../runtime/quantities.ts";
import type { Later } from "../../../runtime/at-once.ts";
import type { MailSubject, RcptSubject, Said, StageCheck } from "../check.ts";
import { refusal } from "../refusal.ts";
import { keyOf, letterOf, organisationOf, senderDomainOf } from "./known-keys.ts";
import { sightingOf } from "./sighting.ts";

export interface ReachabilityParts {
  readonly memory: Greylist;
  /** The name of a primary of the domain that is up. Undefined if none is known to be up. */
  readonly primaryUp: (domain: string) => string | undefined;
}

interface AllParts extends ReachabilityParts {
  readonly settings: () => CheckSettings;
  readonly clock: Clock;
  readonly resolver: Pick<Resolver, "confirmedName">;
  readonly isAligned: (subject: MailSubject) => Promise<boolean>;
}

/** A client that was referred to the primary must return within this time, in ms. */
const RETRY_WINDOW = 24 * 3_600_000;

const NOT_UP = accepted("the primary is not known to be up");
const BROKEN_PATH = accepted("was here before while the primary was up");
const CAME_AGAIN = accepted("returned: its path to the primary may be broken");
const FROM_ELSEWHERE = accepted("returned from another of its networks");

/**
 * Refers clients to a primary of the domain while it is up: junk senders prefer the backup, and a sender that can reach
 * the primary uses it. One that cannot returns, after the delay or from another network of the same sender, and is
 * admitted; its broken path to the primary is remembered for a while. In reflector mode no client is referred, because
 * there this server is the only MX of the domain.
 */
export function reachabilityCheck(parts: AllParts): StageCheck<"rcpt"> {
  const run = (subject: RcptSubject): Later<Said> => {
    const { domain } = subject;
    const settings = domain?.settings.checks?.reachability ?? parts.settings().reachability ?? "off";
    if (settings === "off" || domain === undefined || domain.settings.mode === "reflector") return undefined;
    const primary = parts.primaryUp(domain.name);
    return primary === undefined ? NOT_UP : look(subject, { settings, primary }, parts);
  };
  return { name: "reachability", stage: "rcpt", reputation: true, last: true, run };
}

interface Case {
  readonly settings: ReachabilitySettings;
  readonly primary: string;
}

function look(subject: RcptSubject, { settings, primary }: Case, parts: AllParts): Later<Said> {
  const { network, sender, recipient } = subject;
  const path = keyOf("path", network, senderDomainOf(sender), recipient.domain);
  if (sightingOf(path, parts) !== undefined) return BROKEN_PATH;
  const own = keyOf("reach", network, ...letterOf(subject));
  const firstAt = sightingOf(own, parts)?.firstAt;
  const now = parts.clock.now();
  const wait = firstAt === undefined ? settings.delay : firstAt + settings.delay - now;
  const letIn = (verdict: Verdict): Verdict => {
    parts.memory.note(path, { firstAt: now, passed: true, until: now + settings.remember });
    return verdict;
  };
  if (wait <= 0) return letIn(CAME_AGAIN);
  if (firstAt !== undefined) return sendAway(primary, settings, parts);
  return identities(subject, parts).then((names) => {
    const circles = names.map((name) => keyOf("circle", name, ...letterOf(subject)));
    if (circles.some((circle) => sightingOf(circle, parts) !== undefined)) return letIn(FROM_ELSEWHERE);
    for (const key of [own, ...circles])
      parts.memory.note(key, { firstAt: now, passed: false, until: now + RETRY_WINDOW });
    return sendAway(primary, settings, parts);
  });
}

/** Names that the networks of one sender have in common. Only names that SPF or the DNS confirms. */
async function identities(
  subject: RcptSubject,
  { isAligned, resolver }: AllParts,
): Promise<readonly string[]> {
  const [aligned, name] = await Promise.all([isAligned(subject), resolver.confirmedName(subject.ip)]);
  const host = name.kind === "found" ? name.records[0] : undefined;
  return [
    ...(aligned && subject.sender !== "" ? [`spf ${senderDomainOf(subject.sender)}`] : []),
    ...(host === undefined ? [] : [`host ${organisationOf(host)}`]),
  ];
}

function sendAway(
  primary: string,
  { action = "defer", delay }: ReachabilitySettings,
  { settings }: AllParts,
): Verdict {
  const note = `referred to ${primary}, which is up; admitted if it returns after ${timeInWords(delay)}`;
  if (action === "tag") return { kind: "tag", field: `X-Holdfast-Reachability: ${primary} is up`, note };
  const words = [`${primary} is up, send your mail there`, settings().contact];
  return { ...refusal("defer", "7.1", words), note };
}
