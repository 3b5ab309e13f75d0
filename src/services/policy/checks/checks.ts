import type { CheckSettings } from "../../../ports/checks.ts";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Recipients } from "../../recipients/recipients.ts";
import type { Check, MailSubject } from "../check.ts";
import { clientNameCheck } from "./client-name.ts";
import type { DnsblParts } from "./dnsbl.ts";
import { dnsblCheck, isGood } from "./dnsbl.ts";
import type { GreylistParts } from "./greylist.ts";
import { greylistCheck } from "./greylist.ts";
import { earlyTalkerCheck } from "./early-talker.ts";
import { heloCheck } from "./helo.ts";
import { loopCheck } from "./loop.ts";
import { quotaCheck } from "./quota.ts";
import type { ReachabilityParts } from "./reachability.ts";
import { reachabilityCheck } from "./reachability.ts";
import { calloutCheck, recipientCheck } from "./recipient.ts";
import { relayCheck } from "./relay.ts";
import { senderDomainCheck } from "./sender-domain.ts";
import { spfCheck } from "./spf.ts";

export interface CheckParts {
  readonly recipients: Recipients;
  readonly settings: () => CheckSettings;
  /** Our own name, which no client may say for its own. */
  readonly hostname?: string;
  /** Lists of clients in the DNS; absent: none is asked. */
  readonly dnsbl?: DnsblParts;
  readonly clock: Clock;
  /** The memory of greylisting; absent: nobody is put off. */
  readonly greylist?: GreylistParts;
  /** Who is up, and who was sent there; absent: nobody is. */
  readonly reachability?: ReachabilityParts;
  /** Domains over their quota; absent: none. */
  readonly isFull?: (domain: string) => boolean;
  /** Absent: nothing is asked of the DNS about clients and senders. */
  readonly resolver?: Resolver;
}

/** Every check, in the order in which equals have the word: one line each. */
export function allChecks(parts: CheckParts): readonly Check[] {
  const { recipients, settings, hostname = "", dnsbl, resolver } = parts;
  return [
    relayCheck,
    recipientCheck(recipients),
    ...(parts.isFull === undefined ? [] : [quotaCheck(parts.isFull)]),
    heloCheck({ settings, hostname }),
    earlyTalkerCheck(settings),
    ...(dnsbl === undefined ? [] : [dnsblCheck({ ...dnsbl, settings })]),
    ...(resolver === undefined ? [] : [clientNameCheck({ settings, resolver })]),
    ...(resolver === undefined ? [] : [senderDomainCheck({ settings, resolver })]),
    ...(parts.reachability === undefined ? [] : [reachabilityFor(parts, parts.reachability)]),
    spfCheck({ settings }),
    ...(parts.greylist === undefined ? [] : [greylistFor(parts, parts.greylist)]),
    calloutCheck(recipients),
    loopCheck,
  ];
}

function greylistFor({ settings, clock, dnsbl }: CheckParts, greylist: GreylistParts): Check {
  const good = async (ip: string, domain: DomainRecord): Promise<boolean> => {
    const lists = domain.settings.checks?.dnsbl ?? settings().dnsbl;
    return dnsbl !== undefined && (await isGood(ip, lists, dnsbl));
  };
  return greylistCheck({ ...greylist, settings, clock, isGood: good, isAligned });
}

const NO_RESOLVER: Pick<Resolver, "confirmedName"> = {
  confirmedName: () => Promise.resolve({ kind: "none" }),
};

function reachabilityFor({ settings, clock, resolver }: CheckParts, parts: ReachabilityParts): Check {
  return reachabilityCheck({ ...parts, settings, clock, resolver: resolver ?? NO_RESOLVER, isAligned });
}

/** Whether SPF lets the client send for the domain of the return-path; asked of the DNS where nobody has yet. */
async function isAligned({ spf }: MailSubject): Promise<boolean> {
  return spf !== undefined && (await spf.answer()).result === "pass";
}
