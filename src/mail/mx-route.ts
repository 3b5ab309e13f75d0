/** Determines to which of a domain's MX records mail may be sent. */

/** The port on which servers accept mail for their domains, RFC 5321 §4.5.4.2; MX records name no port. */
export const SMTP_PORT = 25;

interface Exchange {
  readonly preference: number;
  /** Empty for the null MX, RFC 7505. */
  readonly host: string;
}

type MxRoute =
  /** Hosts by preference, best first. */
  | { readonly kind: "hosts"; readonly tiers: readonly (readonly string[])[] }
  /** RFC 7505: the domain takes no mail. */
  | { readonly kind: "null" }
  /** No MX has better preference than ours: RFC 5321 §5.1 forbids sending to others. */
  | { readonly kind: "ourselves" };

/** Returns the MX hosts to which `hostname` may send mail: those of better preference than its own, RFC 5321 §5.1. */
export function mxRoute(records: readonly Exchange[], hostname: string): MxRoute {
  const named = records.filter(({ host }) => host !== "");
  if (named.length === 0) return { kind: "null" };
  const ours = named.filter(({ host }) => host === hostname).map(({ preference }) => preference);
  const bound = Math.min(Infinity, ...ours);
  const others = named.filter(({ host, preference }) => host !== hostname && preference < bound);
  if (others.length === 0) return { kind: "ourselves" };
  const preferences = [...new Set(others.map(({ preference }) => preference))].sort((a, b) => a - b);
  const tiers = preferences.map((wanted) => hostsOf(others, wanted));
  return { kind: "hosts", tiers };
}

function hostsOf(records: readonly Exchange[], wanted: number): readonly string[] {
  return [...new Set(records.filter(({ preference }) => preference === wanted).map(({ host }) => host))];
}
