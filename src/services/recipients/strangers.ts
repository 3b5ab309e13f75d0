import type { RateTable } from "../../runtime/rate-table.ts";

const HOUR = 3_600_000;
/** Most unknown recipients accepted from a client network (/24 or /64) in an hour while no primary can tell. */
const MOST_STRANGERS = 20;

/**
 * Counts each address once an hour for each network. Returns false, and counts nothing, if the network has reached the
 * limit. `table` must contain nothing else.
 */
export function takeStranger(
  table: RateTable,
  { network, address }: { readonly network: string; readonly address: string },
  now: number,
): boolean {
  const period = Math.floor(now / HOUR);
  const seen = { network: `${network} ${address}`, what: "recipients", period } as const;
  if (table.count(seen) > 0) return true;
  return table.take(
    { network, what: "recipients", amount: 1, cap: MOST_STRANGERS, period },
    { ...seen, amount: 1, cap: MOST_STRANGERS },
  );
}
