import { isIP } from "node:net";
import { normaliseDomain } from "../../../mail/domain.ts";
import { networkSet } from "../../../mail/network.ts";
import { accepted } from "../../../mail/verdict.ts";
import type { CheckSettings } from "../../../ports/checks.ts";
import type { RcptSubject, Said, StageCheck } from "../check.ts";
import { judgeFault, type Fault } from "./fault.ts";

interface HeloParts {
  readonly settings: () => CheckSettings;
  /** The name of this server. */
  readonly hostname: string;
}

const SOUND = accepted("a full name, or its own address");

/** RFC 5321 §4.1.4: the argument of HELO is the client's full host name, or its address as a literal. */
export function heloCheck({ settings, hostname }: HeloParts): StageCheck<"rcpt"> {
  const run = (subject: RcptSubject): Said => {
    const { helo: forAll = "off", contact } = settings();
    const action = subject.domain?.settings.checks?.helo ?? forAll;
    if (action === "off" || subject.domain === undefined) return undefined;
    const fault = heloFault(subject, hostname);
    return fault === undefined ? SOUND : judgeFault("HELO", fault, { action, contact });
  };
  return { name: "helo", stage: "rcpt", reputation: true, run };
}

function heloFault({ helo, ip }: RcptSubject, hostname: string): Fault | undefined {
  const literal = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(helo)?.[1];
  if (literal !== undefined) {
    if (isIP(literal) === 0) return fault("malformed", "is not an address literal");
    return networkSet([literal])(ip) ? undefined : fault("other-address", "is an address that is not yours");
  }
  const name = isIP(helo) === 0 ? normaliseDomain(helo) : undefined;
  if (name === undefined) return fault("malformed", "is not a host name");
  if (name === hostname) return fault("our-name", "is the name of this host");
  return name.includes(".") ? undefined : fault("not-a-full-name", "is not a full host name");
}

function fault(name: string, words: string): Fault {
  return { name, words: `What you say in HELO ${words}`, detail: "7.1" };
}
