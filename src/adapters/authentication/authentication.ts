/**
 * SPF, DKIM and DMARC by the npm package mailauth, which queries the DNS through our resolver only. It is loaded
 * with the first mail that needs it (some 25 MB of memory), so that it costs nothing while the checks are off.
 *
 * Invariants: no promise of this room rejects. A result that is not known in time is `temperror`, and so is every
 * exception of mailauth. Only results, and domains and selectors that were validated again, leave this room; other text
 * of a stranger never does.
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
  /** Our own host name; SPF macros may ask for it. */
  readonly hostname: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Replaces the limits, in ms, on the evaluation of SPF, on key lookups and on DMARC; for tests. */
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
