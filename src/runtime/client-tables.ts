/** What all SMTP threads count and remember of clients together: blocks of shared memory, made once a process. */
import { ConnectionTable, connectionMemory } from "./connection-table.ts";
import { knownClientsMemory } from "./known-clients.ts";
import { RateTable, rateMemory } from "./rate-table.ts";

export interface ClientTables {
  /** Open connections: `ConnectionTable`. */
  readonly connections: SharedArrayBuffer;
  /** What networks did in the current period: `RateTable`. */
  readonly rates: SharedArrayBuffer;
  /** Unknown recipients that networks were taken for in the current hour: `RateTable`. */
  readonly strangers: SharedArrayBuffer;
  /** Networks that need no wait before the greeting: `KnownClients`. */
  readonly known: SharedArrayBuffer;
}

/** Empty ones, for so many threads. */
export function clientTables(threads: number): ClientTables {
  return {
    connections: connectionMemory(threads),
    rates: rateMemory(),
    strangers: rateMemory(),
    known: knownClientsMemory(),
  };
}

/** Frees the locks of a thread that has died, for which all others wait. Never waits itself. */
export function freeLocks({ connections, rates, strangers }: ClientTables, thread: number): void {
  new ConnectionTable(connections, thread).freeLock();
  for (const counts of [rates, strangers]) new RateTable(counts, thread).freeLock();
}
