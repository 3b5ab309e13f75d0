/**
 * SPF, DKIM and DMARC by the npm package mailauth, which asks through our resolver and nothing else. It is loaded
 * with the first mail that needs it (some 25 MB of memory), so that who has the checks off does not pay for them.
 *
 * Invariants: nothing here rejects; what cannot be found out in time, and whatever mailauth throws, is `temperror`.
 * Only results, domains and selectors that were read again as such leave this room, never texts of strangers.
 */
import type { Authenticator } from "../../ports/authentication.ts";
import type { RecordSource } from "../../ports/resolver.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { lookUpWith } from "./lookup.ts";
import { SignedBody } from "./signed-body.ts";
import { SpfMemory } from "./spf-memory.ts";
import { askSpf } from "./spf.ts";

interface AuthenticationParts {
  readonly resolver: RecordSource;
  /** Our own name, for macros and comments. */
  readonly hostname: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Longest wait for each of policy, keys and DMARC, in ms, instead of the usual ones; for tests. */
  readonly patience?: number;
}

export function mailAuthenticator(parts: AuthenticationParts): Authenticator {
  const { hostname, log, patience, clock } = parts;
  const limit = patience === undefined ? {} : { patience };
  const lookUp = lookUpWith(parts.resolver);
  const memory = new SpfMemory(clock);
  return {
    spf: (question) => memory.answer(question, () => askSpf(question, { lookUp, hostname, log, ...limit })),
    verifyBody: () => new SignedBody({ lookUp, log, ...limit }),
  };
}
