import type { CheckSettings } from "../../../ports/checks.ts";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { RecordSource, Resolver } from "../../../ports/resolver.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Recipients } from "../../recipients/recipients.ts";
import type { Check, MailSubject } from "../check.ts";
import { clientNameCheck } from "./client-name.ts";
import { dnsblCheck, onGoodList, type DnsblParts } from "./dnsbl.ts";
import { greylistCheck, type GreylistParts } from "./greylist.ts";
import { earlyTalkerCheck } from "./early-talker.ts";
import { heloCheck } from "./helo.ts";
import { loopCheck } from "./loop.ts";
import { quotaCheck } from "./quota.ts";
import { reachabilityCheck, type ReachabilityParts } from "./reachability.ts";
import { calloutCheck, recipientCheck } from "./recipient.ts";
import { relayCheck } from "./relay.ts";
import { senderDomainCheck } from "./sender-domain.ts";
import { spfCheck } from "./spf.ts";

export interface CheckParts {
  readonly recipients: Recipients;
  readonly settings: () => CheckSettings;
  /** The name of this server, which no client may use in HELO. */
  readonly hostname: string;
  readonly dnsbl: DnsblParts;
  readonly clock: Clock;
  readonly greylist: GreylistParts;
  readonly reachability: ReachabilityParts;
  /** Whether a domain is over its quota. */
  readonly isFull: (domain: string) => boolean;
  readonly resolver: Resolver & RecordSource;
}

/** All checks, one line each. Of equally strict verdicts, the first in this order wins. */
export function allChecks(parts: CheckParts): readonly Check[] {
  const { recipients, settings, hostname, dnsbl, clock, resolver } = parts;
  const isGood = (ip: string, domain: DomainRecord): Promise<boolean> =>
    onGoodList(ip, domain.settings.checks?.dnsbl ?? settings().dnsbl, dnsbl);
  return [
    relayCheck,
    recipientCheck(recipients),
    quotaCheck(parts.isFull),
    heloCheck({ settings, hostname }),
    earlyTalkerCheck(settings),
    dnsblCheck({ ...dnsbl, settings }),
    clientNameCheck({ settings, resolver }),
    senderDomainCheck({ settings, resolver }),
    reachabilityCheck({ ...parts.reachability, settings, clock, resolver, isAligned }),
    spfCheck({ settings }),
    greylistCheck({ ...parts.greylist, settings, clock, isGood, isAligned }),
    calloutCheck(recipients),
    loopCheck,
  ];
}

/** Whether SPF passes for the domain of the return-path. Queries the DNS if that was not done yet. */
async function isAligned({ spf }: MailSubject): Promise<boolean> {
  return spf !== undefined && (await spf.answer()).result === "pass";
}
