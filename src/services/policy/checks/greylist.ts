import { createHash } from "node:crypto";
import { reply } from "../../../mail/reply.ts";
import type { Verdict } from "../../../mail/verdict.ts";
import { ACCEPT } from "../../../mail/verdict.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import type { Greylist } from "../../../ports/greylist.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { RcptSubject, StageCheck } from "../check.ts";

export interface GreylistParts {
  readonly memory: Greylist;
  /** Whether the domain's primaries are all away, and have been for long. */
  readonly longAway: (domain: string) => boolean;
}

interface Judges extends GreylistParts {
  readonly settings: () => CheckSettings;
  readonly clock: Clock;
  /** Whether a list of good clients has the address. */
  readonly isGood: (ip: string) => Promise<boolean>;
}

const HOUR = 3_600_000;
/** Who was put off must come again within this time. */
const RETRY_WINDOW = 24 * HOUR;
/** Who came again is remembered this long after his last mail. */
const REMEMBERED = 35 * 24 * HOUR;
/** The last mail is noted no more often than this. */
const REFRESH = 24 * HOUR;

/**
 * Who comes for the first time (by network, sender and recipient) is put off; a mail server comes again, most junk
 * does not. Nobody is put off while the domain's primaries are away for more than an hour: then this is the only
 * way in, and mail is late enough.
 */
export function greylistCheck(parts: Judges): StageCheck<"rcpt"> {
  const run = (subject: RcptSubject): Verdict | Promise<Verdict> => {
    const { domain } = subject;
    const settings = domain?.settings.checks?.greylist ?? parts.settings().greylist ?? "off";
    if (settings === "off" || domain === undefined || parts.longAway(domain.name)) return ACCEPT;
    const wait = look(keyOf(subject), settings.delay, parts);
    if (wait === 0) return ACCEPT;
    return parts.isGood(subject.ip).then((good) => (good ? ACCEPT : putOff(wait, parts.settings().contact)));
  };
  return { name: "greylist", stage: "rcpt", reputation: true, last: true, run };
}

/** How long the client must wait yet, in ms; 0: welcome. */
function look(key: string, delay: number, { memory, clock }: Judges): number {
  const now = clock.now();
  const known = memory.find(key);
  if (known === undefined || now >= known.until) {
    memory.note(key, { firstAt: now, passed: false, until: now + RETRY_WINDOW });
    return delay;
  }
  const wait = known.firstAt + delay - now;
  if (!known.passed && wait > 0) return wait;
  const until = now + REMEMBERED;
  if (!known.passed || until - known.until >= REFRESH)
    memory.note(key, { firstAt: known.firstAt, passed: true, until });
  return 0;
}

function putOff(wait: number, contact: string | undefined): Verdict {
  const seconds = Math.ceil(wait / 1000);
  const words = [`You are new here, try again in ${seconds} s`, contact].filter(Boolean).join("; ");
  return { kind: "defer", reply: reply(451, "4.7.1", words) };
}

/** Of fixed length, whatever a stranger sends. */
function keyOf({ network, sender, recipient }: RcptSubject): string {
  const text = `${network}\n${sender.toLowerCase()}\n${recipient.local}@${recipient.domain}`;
  return createHash("sha256").update(text).digest("base64url").slice(0, 24);
}
