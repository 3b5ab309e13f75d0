/** Reads the declared domains: names in A-labels, recipients from the place where they are listed. */
import { isIP } from "node:net";
import { normaliseDomain } from "../mail/domain.ts";
import type { DomainChecks } from "../ports/checks.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import { clamavSettings, rspamdSettings } from "./scanner-schema.ts";
import { defined } from "./defined.ts";
import { ownDnsblSettings } from "./dnsbl-schema.ts";
import type { Partly } from "./remarks.ts";
import { quoted, type Remark, type Path, type Problem } from "./problem.ts";
import { readList, type ListedRecipients } from "./read-list.ts";
import { ASK, unknownDuringOutage } from "./recipients-schema.ts";
import type { Parsed, ParsedDomain } from "./schema.ts";

interface DomainRemarks {
  readonly remarks: readonly Remark[];
  /** Problems in the files that the configuration names. */
  readonly elsewhere: readonly Problem[];
  readonly warnings: readonly Remark[];
  /** By the name as it was written. */
  readonly listed: ReadonlyMap<string, ListedRecipients>;
}

/**
 * Checks all names and reads all lists. Relative paths start from `folder`. `before` is the previous declaration; its
 * files are not read again if they have not changed.
 */
export function examineDomains(
  domains: Readonly<Record<string, Partly<ParsedDomain> | undefined>>,
  folder: string,
  before: readonly DeclaredDomain[] = [],
): DomainRemarks {
  const remarks: Remark[] = [...nameRemarks(Object.keys(domains))];
  const elsewhere: Problem[] = [];
  const warnings: Remark[] = [];
  const listed = new Map<string, ListedRecipients>();
  const known = new Map(before.map((domain) => [domain.name, domain]));
  for (const [written, settings] of Object.entries(domains)) {
    const path: Path = ["domains", written, "recipients"];
    const name = normaliseDomain(written) ?? written;
    const list = readList({ name, path, folder, before: known.get(name) }, settings?.recipients);
    remarks.push(...list.remarks);
    elsewhere.push(...list.elsewhere);
    listed.set(written, list.listed);
    warnings.push(...domainWarnings(path, settings, list.listed.recipients));
  }
  return { remarks, elsewhere, warnings, listed };
}

function nameRemarks(names: readonly string[]): readonly Remark[] {
  const seen = new Map<string, string>();
  return names.flatMap((written): Remark[] => {
    const path = ["domains", written];
    const name = normaliseDomain(written);
    if (name === undefined || isIP(name) !== 0) {
      const right = written.startsWith("*")
        ? "list each domain by name; wildcards are not supported"
        : "write a domain such as example.com";
      return [{ path, wrong: `${quoted(written)} is not a domain`, right, atKey: true }];
    }
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, written);
      return [];
    }
    const wrong = `is the same domain as ${quoted(first)} (${name} in the DNS)`;
    return [{ path, wrong, right: "keep one", atKey: true }];
  });
}

function domainWarnings(
  path: Path,
  settings: Partly<ParsedDomain> | undefined,
  recipients: readonly string[] | undefined,
): readonly Remark[] {
  const source = settings?.recipients;
  if (recipients?.length === 0 && source?.callout !== true) {
    const wrong =
      "the list is empty: every address except postmaster is unknown until recipients are added through the API";
    return [{ path, wrong, right: "list the recipients" }];
  }
  const given = settings?.unknownDuringOutage;
  if (source === undefined || given === undefined || source.callout === true) return [];
  const all = source.catchAll === true;
  // A complete list decides, whether the primary is down or not.
  if (!all && given === "reject") return [];
  const wrong = all
    ? "has no effect, because with catchAll no address is unknown"
    : "has no effect, because without callout the list is complete, even during an outage";
  return [{ path: [...path.slice(0, -1), "unknownDuringOutage"], wrong, right: "remove it" }];
}

interface Declared {
  readonly listed: ListedRecipients | undefined;
  /** The checks for all domains. */
  readonly checks: Parsed["checks"];
}

/** Converts a valid domain to the form that the directory takes. */
export function declare(
  written: string,
  settings: ParsedDomain,
  { listed, checks }: Declared,
): DeclaredDomain {
  const source = settings.recipients ?? ASK;
  const { callout, catchAll, fetched } = source;
  return {
    name: normaliseDomain(written) ?? written,
    settings: defined({
      mode: settings.mode,
      primaries: settings.primary,
      catchAll,
      tagSeparator: settings.tagSeparator,
      unknownDuringOutage: unknownDuringOutage(settings.unknownDuringOutage, source),
      callout: callout || undefined,
      fetched,
      bareNewlines: settings.bareNewlines,
      quota: settings.quota,
      checks: ownChecks(settings, checks),
    }),
    ...listed,
  };
}

/** Returns the domain's own checks; undefined if it has none. */
function ownChecks({ checks: own }: ParsedDomain, forAll: Parsed["checks"]): DomainChecks | undefined {
  if (own === undefined) return undefined;
  const checks: DomainChecks = defined({
    ...own,
    dnsbl: own.dnsbl && ownDnsblSettings(own.dnsbl, forAll.dnsbl),
    clamav: own.clamav && clamavSettings(own.clamav, forAll.clamav),
    rspamd: own.rspamd && rspamdSettings(own.rspamd, forAll.rspamd),
  });
  return Object.keys(checks).length === 0 ? undefined : checks;
}
