import type { DueMail, WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";
import type { KnownRecipients } from "./known-recipients.ts";

/** Recipients looked through for one that is known. */
const CANDIDATES = 500;

interface CanaryParts {
  readonly store: Pick<WorkStore, "due" | "unhold">;
  readonly known: Pick<KnownRecipients, "among">;
  readonly clock: Clock;
}

/**
 * The mail that proves a primary: one for a recipient that exists, else the oldest. Where none is due, one that was set
 * aside is let go for it. Undefined: there is none at all.
 */
export async function chooseCanary(
  queue: DomainQueue,
  { store, known, clock }: CanaryParts,
): Promise<string | undefined> {
  const request = { domain: queue.domain, now: clock.now(), limit: CANDIDATES };
  let due = await store.due(request);
  if (due.length === 0) {
    await store.unhold({ domain: queue.domain, limit: 1, now: clock.now() });
    due = await store.due({ ...request, now: clock.now() });
  }
  const addresses = due.flatMap(({ recipients }) => recipients);
  const existing = await known.among(queue.record, addresses);
  return (due.find((mail) => isFor(existing, mail)) ?? due[0])?.id;
}

function isFor(existing: ReadonlySet<string>, { recipients }: DueMail): boolean {
  return recipients.some((address) => existing.has(address));
}
