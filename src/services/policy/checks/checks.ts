import type { Recipients } from "../../recipients/recipients.ts";
import type { Check } from "../check.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import type { DnsblParts } from "./dnsbl.ts";
import { dnsblChecks } from "./dnsbl.ts";
import { loopCheck } from "./loop.ts";
import { recipientCheck } from "./recipient.ts";
import { relayCheck } from "./relay.ts";

export interface CheckParts {
  readonly recipients: Recipients;
  readonly settings: () => CheckSettings;
  /** Absent: no list is asked. */
  readonly dnsbl?: DnsblParts;
}

/** Every check, in the order in which equals have the word: one line each. */
export function allChecks(parts: CheckParts): readonly Check[] {
  return [
    relayCheck,
    recipientCheck(parts.recipients),
    ...(parts.dnsbl === undefined ? [] : dnsblChecks({ ...parts.dnsbl, settings: parts.settings })),
    loopCheck,
  ];
}
