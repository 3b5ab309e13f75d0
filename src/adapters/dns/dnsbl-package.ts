/**
 * The package `dnsbl`, for a question that is asked seldom: it is loaded when it is first needed. It holds a timer
 * for each answer of "not listed" until its time is up, and knows no trouble: "no" is no proof, "yes" needs one.
 */
type LookUp = (ip: string, zone: string, options: object) => Promise<boolean>;

/** How long the package may take, and holds its timer, in ms. */
const PATIENCE = 2000;

/** Whether there seems to be an entry for `ip` in `zone`; `servers` as `address:port`, empty for the system's. */
export async function seemsListed(ip: string, zone: string, servers: readonly string[]): Promise<boolean> {
  // @ts-expect-error -- the package has no types
  const { lookup } = (await import("dnsbl")) as { lookup: LookUp };
  return lookup(ip, zone, { timeout: PATIENCE, servers: servers.length > 0 ? [...servers] : undefined });
}
