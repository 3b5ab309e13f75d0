/** What proofs share: their load, and how arrivals and the daemon's own words come into the ledger. */
import type { AdminClient } from "../support/admin-client.ts";
import type { Daemon } from "../support/daemon.ts";
import type { Sink } from "../support/sink.ts";
import { waitFor } from "../support/wait.ts";
import type { Ledger } from "./checker.ts";

/** In the line that a daemon writes when it has looked through its database, as it does after a start that follows a crash. */
export const CHECKED = '"event":"store.checked"';

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
    const { value } = await daemon.entries().next();
    throw new Error(
      `${String(error)}: ${JSON.stringify(mail)}, ${JSON.stringify(primaries)}, first ${JSON.stringify(value)}`,
    );
  });
}

/** Resolves when the load has got a 250 since it was asked. */
export async function untilUnderLoad(ledger: Ledger): Promise<void> {
  const before = ledger.count("acked");
  await waitFor(
    { what: "the load is under way again", deadline: 20_000, every: 5 },
    () => ledger.count("acked") > before,
  );
}

/** Lines in which the daemon says that its database is damaged; waits for one that says what was found. */
export async function findingsOf(daemon: Daemon): Promise<readonly string[]> {
  const looked = await waitFor({ what: "the database is looked through", deadline: 60_000 }, () => {
    const lines = daemon
      .output()
      .split("\n")
      .filter((line) => line.includes(CHECKED));
    return lines.length > 0 && lines;
  });
  return looked.filter((line) => !line.includes('"findings":[]'));
}
