/** Adds a domain of origin `api`, and changes its settings, also while it holds mail. */
import { isIP } from "node:net";
import { HOST } from "../../../mail/host-pattern.ts";
import { hostPort } from "../../../mail/network.ts";
import type { DomainRecord, DomainSettings, Primary } from "../../../ports/directory.ts";
import {
  readBody,
  readDomain,
  refuseName,
  Refusal,
  soundDomain,
  soundPattern,
  unknownDomain,
} from "../answers.ts";
import type { DomainChecksBody } from "../checks-bodies.ts";
import { DomainChange, NewDomain, type PrimaryBody } from "../contract.ts";
import type { AdminContext, AdminParts } from "../parts.ts";
import { soundRecipients } from "./recipients.ts";

/** Adds the domain and returns its name. A domain that is draining (removed while it held mail) comes back this way. */
export async function addDomain(c: AdminContext, parts: AdminParts): Promise<string> {
  const { name, recipients, primaries, ...given } = await readBody(c, NewDomain);
  const domain = newName(name);
  const unknownDuringOutage = given.unknownDuringOutage ?? unknownOf(given);
  const settings = { ...given, unknownDuringOutage, primaries: soundPrimaries(primaries) };
  refuseContradictions(settings);
  await refuseKnown(domain, parts);
  const patterns = soundRecipients(recipients ?? [], domain);
  // A draining domain that is added without a list keeps its list.
  const list = patterns.length > 0 ? { recipients: patterns } : {};
  await parts.editor.addDomain({ name: domain, settings, ...list }).catch(async (error: unknown) => {
    // Another request may have added it in the meantime.
    await refuseKnown(domain, parts);
    throw error;
  });
  return domain;
}

/** Changes the domain and returns its name. Settings that the request does not name stay. */
export async function changeDomain(c: AdminContext, parts: AdminParts): Promise<string> {
  const name = readDomain(c);
  const change = await readBody(c, DomainChange);
  const made = await parts.editor.changeDomain(name, (known) => {
    if (known.origin === "file") throw declared(name, "change");
    const settings = changed(known, change);
    refuseContradictions(settings);
    return settings;
  });
  if (!made) throw unknownDomain(name);
  return name;
}

/** Returns the changed settings; `null` removes a setting. */
function changed({ settings }: DomainRecord, change: DomainChange): DomainSettings {
  const { primaries, quota, checks, ...given } = change;
  const { quota: oldQuota, checks: oldChecks, ...rest } = settings;
  const [newQuota, newChecks] = [kept(quota, oldQuota), kept(checks, oldChecks)];
  const asks = given.catchAll !== undefined || given.callout !== undefined;
  const merged = { ...rest, ...given };
  return {
    ...merged,
    ...(asks &&
      given.unknownDuringOutage === undefined && {
        unknownDuringOutage: unknownOf(merged),
      }),
    ...(primaries !== undefined && { primaries: soundPrimaries(primaries) }),
    ...(newQuota !== undefined && { quota: newQuota }),
    ...(newChecks !== undefined && { checks: newChecks }),
  };
}

function kept<T, U>(told: T | null | undefined, before: U | undefined): T | U | undefined {
  return told === undefined ? before : (told ?? undefined);
}

export function declared(name: string, verb: "change" | "remove"): Refusal {
  return new Refusal(
    "conflict",
    `${name} is declared in the configuration file`,
    `${verb} it there, then run \`holdfast reload\``,
  );
}

/** Refuses an IP address: it looks like a name of four labels, but mail is never addressed that way. */
function newName(name: string): string {
  return isIP(name) === 0 ? soundDomain(name) : refuseName(name);
}

interface Sources {
  readonly catchAll: boolean;
  readonly callout?: boolean;
}

/** The default is that of the configuration file: a list, if there is one, is taken to be complete. */
function unknownOf({ catchAll, callout }: Sources): "accept" | "reject" {
  return catchAll || callout === true ? "accept" : "reject";
}

type Judged = Sources & { readonly mode: string; readonly checks?: DomainChecksBody | object };

function refuseContradictions({ mode, catchAll, callout, checks }: Judged): void {
  if (catchAll && callout === true)
    throw new Refusal(
      "bad_request",
      "callout: with `catchAll` every address exists, and nobody is asked",
      "leave one of them out",
    );
  const { reachability = "off" } = (checks ?? {}) as DomainChecksBody;
  if (mode !== "reflector" || reachability === "off") return;
  throw new Refusal(
    "bad_request",
    "checks.reachability: a reflector is the only MX: there is no other server to send clients to",
  );
}

async function refuseKnown(name: string, { directory }: AdminParts): Promise<void> {
  const known = await directory.domain(name);
  if (known === undefined || (known.origin === "api" && known.draining)) return;
  if (known.origin === "api")
    throw new Refusal("conflict", `${name} exists already, added through the API`, CHANGES);
  const hint = known.draining
    ? "it was taken out of the file, and mail waits for it; put it back there, or wait until that is gone"
    : CHANGED_THERE;
  throw new Refusal("conflict", `${name} exists already, added in the configuration file`, hint);
}

const CHANGED_THERE = "change it there, then run `holdfast reload`";
const CHANGES = "`holdfast domain change` gives it another primary";

function soundPrimaries(given: readonly PrimaryBody[]): readonly Primary[] {
  const primaries = given.map(soundPrimary);
  const places = primaries.map(({ host, port }) => hostPort(host, port));
  const again = places.findIndex((place, at) => places.indexOf(place) < at);
  if (again === -1) return primaries;
  throw new Refusal("bad_request", `primaries.${again}: ${places[again]} is listed twice`, "keep one");
}

function soundPrimary(primary: PrimaryBody, index: number): Primary {
  const { tls, pins, mx = false, host } = primary;
  const place = `primaries.${index}`;
  if ((tls === "pin") !== (pins !== undefined))
    throw new Refusal("bad_request", `${place}: \`tls: pin\` and \`pins\` need each other`);
  if (mx !== (host === ""))
    throw new Refusal("bad_request", `${place}: has a host, or \`mx: true\` and no host`);
  return mx ? primary : { ...primary, host: soundPattern(`${place}.host`, host, HOST) };
}
