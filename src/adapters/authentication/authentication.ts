/**
 * SPF, DKIM and DMARC by the npm package mailauth, which queries the DNS through our resolver only. It is loaded
 * with the first mail that needs it (some 25 MB of memory), so that it costs nothing while the checks are off.
 *
 * Invariants: nothing here rejects; a result that is not known in time, and everything that mailauth throws, is
 * `temperror`. Only results, and domains and selectors that were validated again, leave this room, never a stranger's
 * text.
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
