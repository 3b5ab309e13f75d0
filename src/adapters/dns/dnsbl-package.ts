/**
 * The package `dnsbl`, for rare queries, loaded when first needed. For each answer "not listed" it keeps a timer until
 * its timeout. It does not report failures: it returns false for them, and its true must be verified.
 */
type LookUp = (ip: string, zone: string, options: object) => Promise<boolean>;

/** Timeout of the package, in ms; also how long it keeps its timer. */
const PATIENCE = 2000;

/** Whether `zone` seems to list `ip`. `servers`: `address:port`; empty: those of the system. */
export async function seemsListed(ip: string, zone: string, servers: readonly string[]): Promise<boolean> {
  // @ts-expect-error -- the package has no types
  const { lookup } = (await import("dnsbl")) as { lookup: LookUp };
  return lookup(ip, zone, { timeout: PATIENCE, servers: servers.length > 0 ? [...servers] : undefined });
}
