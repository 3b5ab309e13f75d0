import type { DueMail, WorkStore } from "../../../ports/work-store.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { DomainQueue } from "../pool/connection-pool.ts";
import type { KnownRecipients } from "./known-recipients.ts";

/** Maximum number of due recipients that are searched for a known one. */
const CANDIDATES = 500;

interface CanaryParts {
  readonly store: Pick<WorkStore, "due" | "unhold">;
  readonly known: Pick<KnownRecipients, "among">;
  readonly clock: Clock;
}

/**
 * Chooses the mail that tests a primary: one for a recipient that certainly exists, otherwise the oldest. If no mail is
 * due, one held mail is released and chosen. Returns the id; undefined if there is no mail at all.
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
