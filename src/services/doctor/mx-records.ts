/** The domain's MX records: whether senders come here, and when. */
import type { DomainRecord } from "../../ports/directory.ts";
import type { MxRecord, RecordSource, Resolver } from "../../ports/resolver.ts";
import { finding, listed, type Finding } from "./finding.ts";
import { publishedAddresses } from "./own-name.ts";
import type { Self } from "./self.ts";

/** MX records whose hosts are looked up. */
const MOST_EXCHANGES = 10;
/** How much less we are wanted than the best server of the domain, in records that we propose. */
const STEP = 10;

export async function mxFindings(
  { name, settings: { mode } }: DomainRecord,
  self: Self,
  dns: Resolver & RecordSource,
): Promise<readonly Finding[]> {
  const lookup = await dns.mx(name);
  if (lookup.kind === "failed")
    return [finding("mx", "warn", `the DNS could not be asked for the MX records: ${lookup.why}`)];
  const all = lookup.kind === "found" ? lookup.records : [];
  if (all.some(({ host }) => host === ""))
    return [
      finding("mx", "fail", `the domain says that it takes no mail (null MX)`, proposal(name, self, [])),
    ];
  const own = await ours(all, self, dns);
  const others = all.filter((record) => !own.includes(record));
  if (own.length === 0) return [notNamed(name, self, all)];
  return [mode === "backup" ? asBackup(name, own, others) : asReflector(own, others)];
}

/** Records that lead here: by our name, or by another name of one of its addresses. */
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

function notNamed(name: string, self: Self, all: readonly MxRecord[]): Finding {
  const has = all.length === 0 ? "there is no MX record" : `the MX records name ${texts(all)} only`;
  return finding("mx", "fail", `${has}: senders never come to ${self.hostname}`, proposal(name, self, all));
}

function asBackup(name: string, own: readonly MxRecord[], others: readonly MxRecord[]): Finding {
  const [mine, best] = [preferenceOf(own), preferenceOf(others)];
  if (others.length === 0)
    return finding("mx", "warn", `${texts(own)} is the only MX record: all mail comes here first`);
  if (mine > best) return finding("mx", "ok", `${texts(others)}, then ${texts(own)}`);
  const record = `${name}. IN MX ${best + STEP} ${own[0]?.host}.`;
  return finding(
    "mx",
    "warn",
    `${texts(own)} is not behind ${texts(others)}: senders come here first`,
    record,
  );
}

function asReflector(own: readonly MxRecord[], others: readonly MxRecord[]): Finding {
  if (others.length === 0) return finding("mx", "ok", `${texts(own)} is the only MX record`);
  return finding("mx", "warn", `senders may go past ${texts(own)} to ${texts(others)}`);
}

function preferenceOf(records: readonly MxRecord[]): number {
  return Math.min(...records.map(({ preference }) => preference));
}

/** A record for us, behind what is there. */
function proposal(name: string, { hostname }: Self, all: readonly MxRecord[]): string {
  const preference = all.length === 0 ? STEP : preferenceOf(all) + STEP;
  return `${name}. IN MX ${preference} ${hostname}.`;
}

function texts(records: readonly MxRecord[]): string {
  return listed(records.map(({ host, preference }) => `${host} (${preference})`));
}
