import type { RateTable } from "../../runtime/rate-table.ts";

const HOUR = 3_600_000;
/** Unknown recipients that a client network, a /24 or a /64, is taken for in an hour while no primary can tell. */
const MOST_STRANGERS = 20;

/**
 * Counts an address once an hour for each network; false, and nothing is counted, where the network had its share. The
 * table is of these counts alone.
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
