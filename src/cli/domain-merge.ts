/** Merges given settings into a domain: the API takes primaries, quota and checks only as wholes. */
import type { DomainBody, DomainChange } from "../endpoints/admin/contract.ts";
import { checksOf } from "./domain-checks.ts";

type Settings = DomainBody["settings"];
type Primary = Settings["primaries"][number];

/** A host, or the domain's own MX records. */
export type Place = Readonly<Partial<Pick<Primary, "host" | "port" | "mx">>>;

/** The given settings; undefined if not given. */
export interface GivenSettings {
  readonly places?: readonly Place[] | undefined;
  readonly tls?: string | undefined;
  readonly mode?: string | undefined;
  readonly unknownDuringOutage?: string | undefined;
  readonly catchAll?: boolean | undefined;
  readonly callout?: boolean | undefined;
  readonly quota?: Settings["quota"] | null | undefined;
  /** Each as `NAME=WHAT`. */
  readonly checks?: readonly string[] | undefined;
}

export function mergedWith(present: Settings, given: GivenSettings): DomainChange {
  const { places, tls, quota, checks, ...others } = given;
  const merged = {
    ...others,
    primaries: places === undefined && tls === undefined ? undefined : primariesOf(present, given),
    quota: quota && { ...present.quota, ...quota },
    checks: checks && checksOf(checks, present.checks),
  };
  // Values that were not given are undefined, which JSON leaves out; the daemon checks the values.
  return merged as DomainChange;
}

/** Returns the primaries in the order in which they were named; `tls` alone applies to all present ones. */
function primariesOf({ primaries }: Settings, { places, tls }: GivenSettings): readonly object[] {
  if (places === undefined) return primaries.map((primary) => withTls(primary, tls));
  const replaced = primaries.filter((primary) => !places.some((place) => isAt(place, primary)));
  return places.map((place, i) => {
    const model = primaries.find((primary) => isAt(place, primary)) ?? replaced.shift() ?? primaries[0];
    const { host: _host, port: _port, mx: _mx, ...settings } = model ?? {};
    return { ...withTls(settings, tls), ...place, preference: 10 * (i + 1) };
  });
}

function isAt({ host = "", port = 25, mx }: Place, primary: Primary): boolean {
  if (mx === true || primary.mx === true) return mx === primary.mx;
  return host.toLowerCase() === primary.host && port === primary.port;
}

/** Sets a given level and drops the pins, which belong to one level only. */
function withTls({ pins, ...primary }: Partial<Primary>, tls: string | undefined): object {
  if (tls !== undefined) return { ...primary, tls };
  return pins === undefined ? primary : { ...primary, pins };
}
