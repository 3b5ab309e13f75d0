import type { CheckSettings } from "../../../ports/checks.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import type { Recipients } from "../../recipients/recipients.ts";
import type { Check } from "../check.ts";
import { clientNameChecks } from "./client-name.ts";
import type { DnsblParts } from "./dnsbl.ts";
import { dnsblChecks } from "./dnsbl.ts";
import { heloCheck } from "./helo.ts";
import { loopCheck } from "./loop.ts";
import { recipientCheck } from "./recipient.ts";
import { relayCheck } from "./relay.ts";
import { senderDomainChecks } from "./sender-domain.ts";

export interface CheckParts {
  readonly recipients: Recipients;
  readonly settings: () => CheckSettings;
  /** Our own name. */
  readonly hostname?: string;
  /** Absent: no list is asked. */
  readonly dnsbl?: DnsblParts;
  /** Absent: nothing is asked of the DNS. */
  readonly resolver?: Resolver;
}

/** Every check, in the order in which equals have the word: one line each. */
export function allChecks({
  recipients,
  settings,
  hostname = "",
  dnsbl,
  resolver,
}: CheckParts): readonly Check[] {
  return [
    relayCheck,
    recipientCheck(recipients),
    heloCheck({ settings, hostname }),
    ...(dnsbl === undefined ? [] : dnsblChecks({ ...dnsbl, settings })),
    ...(resolver === undefined ? [] : clientNameChecks({ settings, resolver })),
    ...(resolver === undefined ? [] : senderDomainChecks({ settings, resolver })),
    loopCheck,
  ];
}
