/** What all SMTP threads count and remember about clients together: blocks of shared memory, made once per process. */
import { ConnectionTable, connectionMemory } from "./connection-table.ts";
import { knownClientsMemory } from "./known-clients.ts";
import { RateTable, rateMemory } from "./rate-table.ts";

export interface ClientTables {
  /** Open connections: `ConnectionTable`. */
  readonly connections: SharedArrayBuffer;
  /** Activity of networks in the current period: `RateTable`. */
  readonly rates: SharedArrayBuffer;
  /** Unknown recipients that were accepted from each network in the current hour: `RateTable`. */
  readonly strangers: SharedArrayBuffer;
  /** Networks whose connections are greeted without delay: `KnownClients`. */
  readonly known: SharedArrayBuffer;
}

/** Makes empty tables for this number of SMTP threads. */
export function clientTables(threads: number): ClientTables {
  return {
    connections: connectionMemory(threads),
    rates: rateMemory(),
    strangers: rateMemory(),
    known: knownClientsMemory(),
  };
}

/** Frees the locks that a dead thread still holds and that the other threads are waiting for. Never waits itself. */
export function freeLocks({ connections, rates, strangers }: ClientTables, thread: number): void {
  new ConnectionTable(connections, thread).freeLock();
  for (const counts of [rates, strangers]) new RateTable(counts, thread).freeLock();
}
