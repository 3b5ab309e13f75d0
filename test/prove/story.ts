/** What proofs share: their load, and how arrivals and the daemon's own words come into the ledger. */
import type { AdminClient } from "../support/admin-client.ts";
import type { Sink } from "../support/sink.ts";
import { waitFor } from "../support/wait.ts";
import type { Ledger } from "./checker.ts";

/** Load whose bodies lie in each of their homes: a row, a segment, a file of its own (docs/adr/0009). */
export const IN_EACH_HOME = {
  size: 6000,
  others: [
    { size: 60_000, oneIn: 4 },
    { size: 400_000, oneIn: 10 },
  ],
} as const;

/** Every mail that arrives at the sink goes into the ledger. */
export function recordArrivals(sink: Sink, ledger: Ledger): void {
  sink.onMail((mail) => ledger.sink(mail));
}

/** The daemon's ledger names the recipients whose reply to the final dot was lost: each may be a double. */
export async function recordNamedDoubles(daemon: AdminClient, ledger: Ledger): Promise<void> {
  for await (const entry of daemon.entries(true)) {
    if (entry.unconfirmed > 0) ledger.name(entry.id, entry.recipient, entry.unconfirmed);
  }
}

/** Waits until the daemon holds nothing any more; says what it holds when it does not come to that. */
export async function untilDrained(daemon: AdminClient, deadline: number): Promise<void> {
  await waitFor(
    { what: "the queue is empty", deadline, every: 50 },
    async () => (await daemon.held()) === 0,
  ).catch(async (error: unknown) => {
    const { mail, primaries } = await daemon.status();
    throw new Error(`${String(error)}: ${JSON.stringify(mail)}, ${JSON.stringify(primaries)}`);
  });
}
