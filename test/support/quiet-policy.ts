/** Policy in surroundings that know nothing, but for what a test gives it. */
import type { Greylist, Sighting } from "../../src/ports/greylist.ts";
import type { RecordSource, Resolver } from "../../src/ports/resolver.ts";
import { allChecks, Policy, type CheckParts, type PolicyParts } from "../../src/services/policy/policy.ts";

type Needed = Pick<CheckParts, "recipients" | "clock"> & Pick<PolicyParts, "log">;

const NO_DNS: Resolver & RecordSource = {
  mx: () => Promise.resolve({ kind: "none" }),
  addresses: () => Promise.resolve({ kind: "none" }),
  confirmedName: () => Promise.resolve({ kind: "none" }),
  records: () => Promise.resolve({ kind: "none" }),
};

export function quietPolicy(given: Needed & Partial<CheckParts & PolicyParts>): Policy {
  const memory = memoryGreylist();
  const parts = {
    settings: () => ({ dnsbl: "off" }) as const,
    hostname: "mx.us",
    resolver: NO_DNS,
    dnsbl: { blocklists: { codes: NO_DNS.addresses, reason: async () => undefined }, isSound: () => true },
    greylist: { memory, longAway: () => false },
    reachability: { memory, primaryUp: () => undefined },
    isFull: () => false,
    inspections: [],
    allowedSenders: { has: () => false },
    authenticator: {
      spf: () => Promise.reject(new Error("nobody asks the DNS here")),
      verifyBody: () => {
        throw new Error("nobody looks at bodies here");
      },
    },
    ...given,
  };
  return new Policy({ checks: allChecks(parts), ...parts });
}

export function memoryGreylist(seen = new Map<string, Sighting>()): Greylist {
  return {
    find: (key) => seen.get(key),
    note: (key, sighting) => void seen.set(key, sighting),
    close: () => undefined,
  };
}
