import { accepted } from "../../../mail/verdict.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import type { Resolver } from "../../../ports/resolver.ts";
import { whenKnown, type Later } from "../../../runtime/at-once.ts";
import type { ConnectSubject, RcptSubject, Said, StageCheck } from "../check.ts";
import { judgeFault, type Fault } from "./fault.ts";

interface ClientNameParts {
  readonly settings: () => CheckSettings;
  readonly resolver: Pick<Resolver, "confirmedName">;
}

const NO_ANSWER = accepted("the DNS gives no clear answer");

const NAMELESS: Fault = {
  name: "none",
  words: "Your address has no name in the DNS that points back to it",
  detail: "7.25",
};

/**
 * RFC 8601 §2.7.3 `iprev`: the client's address has a name, and that name has the address. The query is sent at
 * connect and its answer is used at RCPT. If the DNS does not answer, the client passes.
 */
export function clientNameCheck({ settings, resolver }: ClientNameParts): StageCheck<"rcpt"> {
  const atConnect = ({ ip }: ConnectSubject): void => {
    if ((settings().clientName ?? "off") !== "off") void resolver.confirmedName(ip);
  };
  const run = ({ ip, domain }: RcptSubject): Later<Said> => {
    const { clientName: forAll = "off", contact } = settings();
    const action = domain?.settings.checks?.clientName ?? forAll;
    if (action === "off" || domain === undefined) return undefined;
    return whenKnown(resolver.confirmedName(ip), (lookup): Said => {
      if (lookup.kind === "failed") return NO_ANSWER;
      if (lookup.kind === "found") return accepted(lookup.records[0] ?? "");
      if (action === "lookup") return accepted("none");
      return judgeFault("Client-Name", NAMELESS, { action, contact });
    });
  };
  return { name: "clientName", stage: "rcpt", reputation: true, atConnect, run };
}
