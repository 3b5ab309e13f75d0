/** Checks the domain's MX records: whether senders connect here, and whether before or after the primary. */
import { isIP } from "node:net";
import { SMTP_PORT } from "../../mail/mx-route.ts";
import type { DomainRecord, DomainSettings } from "../../ports/directory.ts";
import type { MxRecord, RecordSource, Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import { publishedAddresses } from "./own-name.ts";
import type { Self } from "./self.ts";

/** Most MX records whose hosts are looked up. */
const MOST_EXCHANGES = 10;
/** Difference between our preference and that of the domain's best server, in records that we propose. */
const STEP = 10;
/** The largest preference, RFC 1035 §3.3.9. */
const LAST = 65_535;

export async function mxFindings(
  domain: DomainRecord,
  self: Self,
  dns: Resolver & RecordSource,
): Promise<readonly Finding[]> {
  const { name } = domain;
  const lookup = await dns.mx(name);
  if (lookup.kind === "failed")
    return [finding("mx", "warn", `the MX records could not be looked up: ${lookup.why}`)];
  const all = lookup.kind === "found" ? lookup.records : [];
  if (all.some(({ host }) => host === ""))
    return unserved(domain, self, "the domain declares that it accepts no mail (null MX, which must go)");
  if (all.length === 0)
    return unserved(domain, self, `there is no MX record: senders never connect to ${self.hostname}`);
  const own = await ours(all, self, dns);
  const others = all.filter((record) => !own.includes(record));
  if (own.length === 0) return [notNamed(domain, self, all)];
  return [domain.settings.mode === "backup" ? asBackup(domain, own, others) : asReflector(own, others)];
}

/** Records that name this server: by its host name, or by another name with one of the same addresses. */
async function ours(all: readonly MxRecord[], self: Self, dns: RecordSource): Promise<readonly MxRecord[]> {
  const { hostname } = self;
  const named = all.filter(({ host }) => host === hostname);
  if (named.length > 0) return named;
  const own = await publishedAddresses(hostname, dns);
  if ("why" in own || own.addresses.length === 0) return [];
  const looked = all.slice(0, MOST_EXCHANGES).map(async (record) => {
    const found = await publishedAddresses(record.host, dns);
    return "addresses" in found && found.addresses.some((ip) => own.addresses.includes(ip)) ? [record] : [];
  });
  return (await Promise.all(looked)).flat();
}

/** No usable MX record. A backup needs a record of the primary, too, or it would be the only server. */
function unserved({ name, settings }: DomainRecord, self: Self, text: string): readonly Finding[] {
  const reflects = settings.mode === "reflector";
  const own = finding("mx", "fail", text, mxRecord(name, reflects ? STEP : 2 * STEP, self.hostname));
  if (reflects) return [own];
  const first = "the primary needs an MX record, too, or all mail comes here first";
  return [own, finding("mx", "warn", first, ofPrimary(name, settings, STEP))];
}

/** Proposes a record for the best primary on port 25; undefined if the configuration has only addresses. */
function ofPrimary(
  name: string,
  { primaries }: DomainSettings,
  preference: number | undefined,
): string | undefined {
  const named = primaries.filter(
    ({ host, port }) => port === SMTP_PORT && host.includes(".") && isIP(host) === 0,
  );
  const [best] = named.toSorted((a, b) => a.preference - b.preference);
  return best && mxRecord(name, preference, best.host);
}

function notNamed({ name, settings }: DomainRecord, self: Self, all: readonly MxRecord[]): Finding {
  const text = `the MX records name ${texts(all)} only: senders never connect to ${self.hostname}`;
  const best = preferenceOf(all);
  const ours = settings.mode === "reflector" ? (before(best) ?? 0) : behind(best);
  return finding("mx", "fail", text, mxRecord(name, ours, self.hostname));
}

function asBackup(
  { name, settings }: DomainRecord,
  own: readonly MxRecord[],
  others: readonly MxRecord[],
): Finding {
  const [mine, best] = [preferenceOf(own), preferenceOf(others)];
  if (others.length === 0) {
    const text = `${texts(own)} is the only MX record: all mail comes here first`;
    return finding("mx", "warn", text, ofPrimary(name, settings, before(mine)));
  }
  if (mine > best) return finding("mx", "ok", inOrder(own, others));
  const text = `${texts(own)} is not less preferred than ${texts(others)}: senders connect here first`;
  return finding("mx", "warn", text, mxRecord(name, behind(best), own[0]?.host ?? ""));
}

/** The records in the order in which senders try them. */
function inOrder(own: readonly MxRecord[], others: readonly MxRecord[]): string {
  const mine = preferenceOf(own);
  const first = others.filter(({ preference }) => preference < mine);
  const last = others.filter(({ preference }) => preference >= mine);
  return [first, own, last]
    .flatMap((records) => (records.length === 0 ? [] : [texts(records)]))
    .join(", then ");
}

function asReflector(own: readonly MxRecord[], others: readonly MxRecord[]): Finding {
  if (others.length === 0) return finding("mx", "ok", `${texts(own)} is the only MX record`);
  return finding("mx", "warn", `senders may bypass ${texts(own)} and connect to ${texts(others)}`);
}

function preferenceOf(records: readonly MxRecord[]): number {
  return Math.min(...records.map(({ preference }) => preference));
}

/** `before` and `behind` return a preference that senders try earlier or later than this one; undefined if none. */
function before(preference: number): number | undefined {
  return preference > 0 ? Math.max(0, preference - STEP) : undefined;
}

function behind(preference: number): number | undefined {
  return preference < LAST ? Math.min(preference + STEP, LAST) : undefined;
}

function mxRecord(name: string, preference: number | undefined, host: string): string | undefined {
  return preference === undefined ? undefined : `${name}. IN MX ${preference} ${host}.`;
}

function texts(records: readonly MxRecord[]): string {
  return listed(records.map(({ host, preference }) => `${host} (${preference})`));
}
