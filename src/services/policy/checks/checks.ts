import type { CheckSettings } from "../../../ports/checks.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Recipients } from "../../recipients/recipients.ts";
import type { Check } from "../check.ts";
import { clientNameChecks } from "./client-name.ts";
import type { DnsblParts } from "./dnsbl.ts";
import { dnsblChecks, isGood } from "./dnsbl.ts";
import type { GreylistParts } from "./greylist.ts";
import { greylistCheck } from "./greylist.ts";
import { heloCheck } from "./helo.ts";
import { loopCheck } from "./loop.ts";
import { quotaCheck } from "./quota.ts";
import { recipientCheck } from "./recipient.ts";
import { relayCheck } from "./relay.ts";
import { senderDomainChecks } from "./sender-domain.ts";
import { spfCheck } from "./spf.ts";

export interface CheckParts {
  readonly recipients: Recipients;
  readonly settings: () => CheckSettings;
  /** Our own name. */
  readonly hostname?: string;
  /** Absent: no list is asked. */
  readonly dnsbl?: DnsblParts;
  readonly clock: Clock;
  /** Absent: nobody is put off. */
  readonly greylist?: GreylistParts;
  /** Domains over their quota; absent: none. */
  readonly isFull?: (domain: string) => boolean;
  /** Absent: nothing is asked of the DNS. */
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
    ...(dnsbl === undefined ? [] : dnsblChecks({ ...dnsbl, settings })),
    ...(resolver === undefined ? [] : clientNameChecks({ settings, resolver })),
    ...(resolver === undefined ? [] : senderDomainChecks({ settings, resolver })),
    spfCheck({ settings }),
    ...(parts.greylist === undefined ? [] : [greylistFor(parts, parts.greylist)]),
    loopCheck,
  ];
}

function greylistFor({ settings, clock, dnsbl }: CheckParts, greylist: GreylistParts): Check {
  const good = async (ip: string): Promise<boolean> =>
    dnsbl !== undefined && (await isGood(ip, settings(), dnsbl));
  return greylistCheck({ ...greylist, settings, clock, isGood: good });
}
