/** Domains as declared: names in A-labels, recipients read from where they are listed. */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { normaliseDomain } from "../mail/domain.ts";
import type { DomainChecks } from "../ports/checks.ts";
import type { DeclaredDomain } from "../ports/directory.ts";
import { clamavSettings, rspamdSettings } from "./scanner-schema.ts";
import { ownDnsblSettings } from "./dnsbl-schema.ts";
import type { Partly } from "./findings.ts";
import type { Finding, Path, Problem } from "./problem.ts";
import { keyText, quoted } from "./problem.ts";
import type { Entries, EntryFault } from "./recipient-list.ts";
import { readEntries, readLines } from "./recipient-list.ts";
import { ASK, unknownDuringOutage } from "./recipients-schema.ts";
import type { Parsed, ParsedDomain } from "./schema.ts";
import { readText } from "./text-file.ts";

const MAX_LIST_BYTES = 128e6;

export interface DomainFindings {
  readonly findings: readonly Finding[];
  /** In the files that the configuration names. */
  readonly elsewhere: readonly Problem[];
  readonly warnings: readonly Finding[];
  /** By name as written, for those that are sound. */
  readonly recipients: ReadonlyMap<string, readonly string[]>;
}

/** Checks all names and reads all lists; `folder` is what relative paths start from. */
export function examineDomains(
  domains: Readonly<Record<string, Partly<ParsedDomain> | undefined>>,
  folder: string,
): DomainFindings {
  const findings: Finding[] = [...nameFindings(Object.keys(domains))];
  const elsewhere: Problem[] = [];
  const warnings: Finding[] = [];
  const recipients = new Map<string, readonly string[]>();
  for (const [written, settings] of Object.entries(domains)) {
    const path: Path = ["domains", written, "recipients"];
    const list = readList({ name: normaliseDomain(written) ?? written, path, folder }, settings?.recipients);
    findings.push(...list.findings);
    elsewhere.push(...list.elsewhere);
    if (list.recipients !== undefined) recipients.set(written, list.recipients);
    warnings.push(...domainWarnings(path, settings, list.recipients));
  }
  return { findings, elsewhere, warnings, recipients };
}

function nameFindings(names: readonly string[]): readonly Finding[] {
  const seen = new Map<string, string>();
  return names.flatMap((written): Finding[] => {
    const path = ["domains", written];
    const name = normaliseDomain(written);
    if (name === undefined || isIP(name) !== 0) {
      const right = written.startsWith("*")
        ? "write each domain by its name; * is not in this version"
        : "write a domain such as example.com";
      return [{ path, wrong: `${quoted(written)} is not a domain`, right, atKey: true }];
    }
    const first = seen.get(name);
    if (first === undefined) {
      seen.set(name, written);
      return [];
    }
    const wrong = `is the same domain as ${quoted(first)}, ${name} in the DNS`;
    return [{ path, wrong, right: "keep one", atKey: true }];
  });
}

interface ListPlace {
  readonly name: string;
  readonly path: Path;
  readonly folder: string;
}

interface ReadList {
  readonly recipients?: readonly string[];
  readonly findings: readonly Finding[];
  readonly elsewhere: readonly Problem[];
}

const NO_LIST: ReadList = { findings: [], elsewhere: [] };

function readList(place: ListPlace, source: Partly<ParsedDomain>["recipients"]): ReadList {
  if (source?.list !== undefined) {
    const path = source.listKey === undefined ? place.path : [...place.path, source.listKey];
    return inline({ ...place, path }, source.list);
  }
  return source?.file === undefined ? NO_LIST : fromFile(place, source.file);
}

function inline(place: ListPlace, list: readonly string[]): ReadList {
  const { recipients, faults } = readEntries(list, place.name);
  const findings = faults.map(({ index, wrong, right }): Finding => {
    return { path: place.path.concat(index), wrong, right };
  });
  return { recipients, findings, elsewhere: [] };
}

function fromFile(place: ListPlace, written: string): ReadList {
  const file = resolve(place.folder, written);
  const content = readText(file, MAX_LIST_BYTES);
  if ("fault" in content) {
    const { wrong, right } = content.fault;
    return { ...NO_LIST, findings: [{ path: [...place.path, "file"], wrong: `${file} ${wrong}`, right }] };
  }
  const { recipients, faults }: Entries = readLines(content.text, place.name);
  const problem = ({ index, ...fault }: EntryFault): Problem => ({
    file,
    line: index + 1,
    column: 1,
    key: keyText(place.path),
    ...fault,
  });
  return { recipients, findings: [], elsewhere: faults.map(problem) };
}

function domainWarnings(
  path: Path,
  settings: Partly<ParsedDomain> | undefined,
  recipients: readonly string[] | undefined,
): readonly Finding[] {
  const source = settings?.recipients;
  if (recipients?.length === 0 && source?.callout !== true) {
    const wrong = "the list is empty: every address but postmaster is unknown until the API adds some";
    return [{ path, wrong, right: "list the recipients" }];
  }
  const given = settings?.unknownDuringOutage;
  if (source === undefined || given === undefined || source.callout === true) return [];
  const all = source.catchAll === true;
  // A complete list is the authority, outage or not.
  if (!all && given === "reject") return [];
  const wrong = all
    ? "has no effect, since with catchAll no address is unknown"
    : "has no effect, since the list decides, outage or not, where there is no callout";
  return [{ path: [...path.slice(0, -1), "unknownDuringOutage"], wrong, right: "remove it" }];
}

/** Reads the file of a domain's recipients again. */
export function rereadList({
  name,
  recipientsFile = "",
}: DeclaredDomain): { readonly recipients: readonly string[] } | { readonly problems: readonly Problem[] } {
  const path: Path = ["domains", name, "recipients"];
  const { recipients, findings, elsewhere } = fromFile({ name, path, folder: "/" }, recipientsFile);
  const here = findings.map(({ wrong, right }): Problem => {
    return { file: recipientsFile, line: 1, column: 1, key: keyText(path), wrong, right };
  });
  const problems = [...here, ...elsewhere];
  return problems.length > 0 || recipients === undefined ? { problems } : { recipients };
}

interface Declared {
  readonly recipients: readonly string[] | undefined;
  /** For all domains. */
  readonly checks: Parsed["checks"];
}

/** A sound domain in the form that the directory takes. */
export function declare(
  written: string,
  settings: ParsedDomain,
  { recipients, checks }: Declared,
): DeclaredDomain {
  const own = ownChecks(settings, checks);
  const source = settings.recipients ?? ASK;
  const { callout, catchAll, fetched } = source;
  return {
    name: normaliseDomain(written) ?? written,
    settings: {
      mode: settings.mode,
      primaries: settings.primary,
      catchAll,
      tagSeparator: settings.tagSeparator,
      unknownDuringOutage: unknownDuringOutage(settings.unknownDuringOutage, source),
      ...(callout && { callout }),
      ...(fetched !== undefined && { fetched }),
      bareNewlines: settings.bareNewlines,
      ...(settings.quota !== undefined && { quota: settings.quota }),
      ...(own !== undefined && { checks: own }),
    },
    ...(recipients === undefined ? {} : { recipients }),
    ...(source.file !== undefined && { recipientsFile: source.file }),
  };
}

/** What the domain has of its own; undefined when it says nothing. */
function ownChecks({ checks: own }: ParsedDomain, forAll: Parsed["checks"]): DomainChecks | undefined {
  if (own === undefined) return undefined;
  const { dnsbl, greylist, reachability, earlyTalker, helo, clientName, senderDomain } = own;
  const { spf, dkim, dmarc, clamav, rspamd } = own;
  const checks: DomainChecks = {
    ...(dnsbl !== undefined && { dnsbl: ownDnsblSettings(dnsbl, forAll.dnsbl) }),
    ...(greylist !== undefined && { greylist }),
    ...(reachability !== undefined && { reachability }),
    ...(earlyTalker !== undefined && { earlyTalker }),
    ...(helo !== undefined && { helo }),
    ...(clientName !== undefined && { clientName }),
    ...(senderDomain !== undefined && { senderDomain }),
    ...(spf !== undefined && { spf }),
    ...(dkim !== undefined && { dkim }),
    ...(dmarc !== undefined && { dmarc }),
    ...(clamav !== undefined && { clamav: clamavSettings(clamav, forAll.clamav) }),
    ...(rspamd !== undefined && { rspamd: rspamdSettings(rspamd, forAll.rspamd) }),
  };
  return Object.keys(checks).length === 0 ? undefined : checks;
}
