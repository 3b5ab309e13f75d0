/** Domains that were added through the API: add, change. */
import type { DomainBody, NewDomain } from "../endpoints/admin/contract.ts";
import { entriesOf } from "../mail/recipient-pattern.ts";
import { readSize } from "../runtime/quantities.ts";
import { OK, WrongUse, type Command, type Input, type Option } from "./command.ts";
import { CHECK_OPTION, checksOf } from "./domain-checks.ts";
import { mergedWith, type GivenSettings, type Place } from "./domain-merge.ts";
import { domainPath } from "./domains.ts";
import { readGiven } from "./files.ts";
import { plain } from "./terminal.ts";

const TLS: readonly string[] = ["none", "opportunistic", "require", "verify"];
const MODES: readonly string[] = ["backup", "reflector"];
const UNKNOWN: readonly string[] = ["accept", "defer", "reject"];

const SETTINGS: readonly Option[] = [
  {
    name: "primary",
    value: "HOST[:PORT]",
    multiple: true,
    help: "where its mail goes, by default to port 25; may be repeated, the first is tried first",
  },
  { name: "mx", help: "its mail goes to its own MX records" },
  { name: "tls", value: "LEVEL", choices: TLS, help: TLS.join(", ") },
  { name: "mode", value: "MODE", choices: MODES, help: MODES.join(" or ") },
  {
    name: "unknown",
    value: "WHAT",
    choices: UNKNOWN,
    help: `unknown recipients in an outage: ${UNKNOWN.join(", ")}`,
  },
  { name: "quota-mails", value: "N", help: "most mails that may wait for it" },
  { name: "quota-size", value: "SIZE", help: "most bytes that may wait for it, such as 500MB or 20GB" },
  CHECK_OPTION,
];

const SWITCHES: readonly Option[] = [
  { name: "catch-all", help: "every recipient is valid" },
  { name: "callout", help: "ask the primary about recipients that are on no list" },
];

export const domainAdd: Command = {
  words: "DOMAIN",
  summary: "Adds a domain of origin API; a declared domain is added in the configuration file.",
  options: [
    ...SETTINGS,
    ...SWITCHES,
    { name: "recipients", value: "FILE", help: "valid recipients, one on each line" },
  ],
  example: "holdfast domain add example.org --primary mail.example.org:25",
  async run(tool, input) {
    const json = await newDomain(input);
    const domain = await tool.daemon.ask<DomainBody>({ method: "POST", path: "/v1/domains", json });
    tool.print(domain, () => `${plain(domain.name)} added.\n`);
    if (domain.refusing)
      tool.complain(`it has no recipients yet; \`holdfast recipients add ${domain.name} NAME\` adds them`);
    return OK;
  },
};

export const domainChange: Command = {
  words: "DOMAIN",
  summary:
    "Changes a domain of origin API; other settings stay, and a new primary keeps the settings of the one that it replaces. Waiting mail goes to the new primary. A declared domain is changed in the configuration file.",
  options: [
    ...SETTINGS,
    { name: "no-quota", help: "any amount may wait for it" },
    ...SWITCHES.flatMap((option) => [option, { name: `no-${option.name}`, help: "no longer" }]),
  ],
  example: "holdfast domain change example.org --primary new.example.org:25",
  async run(tool, input) {
    const given = changeOf(input);
    if (Object.values(given).every((value) => value === undefined))
      throw new WrongUse("what is to change? give --primary HOST:PORT or another option");
    const path = domainPath(input.word(0));
    const { origin, settings } = await tool.daemon.ask<DomainBody>({ path });
    // The settings of a domain from the file may be more than the API takes; the daemon says where to change it.
    const json = origin === "file" ? {} : mergedWith(settings, given);
    const domain = await tool.daemon.ask<DomainBody>({ method: "PATCH", path, json });
    tool.print(domain, () => `${plain(domain.name)} changed.\n`);
    return OK;
  },
};

async function newDomain(input: Input): Promise<NewDomain> {
  const { places, tls, checks, ...settings } = settingsOf(input);
  if (places === undefined) throw new WrongUse("where does its mail go? give --primary HOST:PORT or --mx");
  const file = input.text("recipients");
  const domain = {
    name: input.word(0),
    primaries: places.map((place, i) => Object.assign({ preference: 10 * (i + 1), tls }, place)),
    ...settings,
    checks: (checks && checksOf(checks)) ?? undefined,
    catchAll: input.flag("catch-all"),
    callout: input.flag("callout") || undefined,
    recipients: file === undefined ? undefined : entriesOf(await readGiven(file)),
  };
  // Values that were not given are undefined, which JSON leaves out; the daemon checks the values.
  return domain as NewDomain;
}

function changeOf(input: Input): GivenSettings {
  const settings = {
    ...settingsOf(input),
    catchAll: switched(input, "catch-all"),
    callout: switched(input, "callout"),
  };
  if (!input.flag("no-quota")) return settings;
  if (settings.quota !== undefined) throw new WrongUse("give a quota or --no-quota, not both");
  return { ...settings, quota: null };
}

function switched(input: Input, name: string): boolean | undefined {
  const [on, off] = [input.flag(name), input.flag(`no-${name}`)];
  if (on && off) throw new WrongUse(`give --${name} or --no-${name}, not both`);
  return on || off ? on : undefined;
}

function settingsOf(input: Input) {
  const [tls, mode, unknownDuringOutage] = ["tls", "mode", "unknown"].map((name) => input.text(name));
  const places: Place[] = input.texts("primary").map(hostAndPort);
  if (input.flag("mx")) places.push({ mx: true });
  const checks = input.texts("check");
  return {
    places: places.length === 0 ? undefined : places,
    tls,
    mode,
    unknownDuringOutage,
    quota: quotaOf(input),
    checks: checks.length === 0 ? undefined : checks,
  };
}

function quotaOf(input: Input): { messages?: number; bytes?: number } | undefined {
  const size = input.text("quota-size");
  const quota = {
    ...(input.text("quota-mails") !== undefined && { messages: input.number("quota-mails", 1) }),
    ...(size !== undefined && { bytes: bytesOf(size) }),
  };
  return Object.keys(quota).length === 0 ? undefined : quota;
}

/** A number without a unit is refused: it could mean anything. */
function bytesOf(text: string): number {
  const bytes = /b$/i.test(text) ? readSize(text) : undefined;
  if (bytes === undefined) throw new WrongUse(`--quota-size takes a size such as 500MB or 20GB, not ${text}`);
  return bytes;
}

/** Reads `host`, `host:25`, `[2001:db8::1]:25`. */
function hostAndPort(place: string): { host: string; port?: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(place);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new WrongUse(`--primary takes HOST:PORT or [IPV6]:PORT, not ${place}`);
  const port = Number(match?.[3] ?? 25);
  if (port < 1 || port > 65_535)
    throw new WrongUse(`--primary: a port is a number from 1 to 65535, not ${port}`);
  return match?.[3] === undefined ? { host } : { host, port };
}
