/** A domain with what was given for it and all else as it is: the API takes primaries, quota and checks as wholes. */
import type { DomainBody, DomainChange } from "../endpoints/admin/contract.ts";
import { checksOf } from "./domain-checks.ts";

type Settings = DomainBody["settings"];
type Primary = Settings["primaries"][number];

/** A host, or the domain's own MX records. */
export type Place = Readonly<Partial<Pick<Primary, "host" | "port" | "mx">>>;

/** What was given; undefined where it was not. */
export interface GivenSettings {
  readonly places?: readonly Place[] | undefined;
  readonly tls?: string | undefined;
  readonly mode?: string | undefined;
  readonly unknownDuringOutage?: string | undefined;
  readonly catchAll?: boolean | undefined;
  readonly callout?: boolean | undefined;
  readonly quota?: Settings["quota"] | null | undefined;
  /** `NAME=WHAT`. */
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
  // What was not given is undefined, which JSON leaves out; the daemon judges the values.
  return merged as DomainChange;
}

/** In the order in which they are named; `tls` alone is for all that are there. */
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

/** The level as given; certificates are pinned for one level only. */
function withTls({ pins, ...primary }: Partial<Primary>, tls: string | undefined): object {
  if (tls !== undefined) return { ...primary, tls };
  return pins === undefined ? primary : { ...primary, pins };
}
