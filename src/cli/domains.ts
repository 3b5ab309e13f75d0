/** Domains: list, show, remove. */
import type {
  DomainBody,
  DomainList,
  DomainRemoved,
  FetchStatusBody,
  ProbationBody,
  StateCounts,
} from "../endpoints/admin/contract.ts";
import { hostPort } from "../mail/network.ts";
import { counted, sizeInWords, timeInWords } from "../runtime/quantities.ts";
import { OK, type Command, type Tool } from "./command.ts";
import { routeText } from "./notices.ts";
import { checksText } from "./domain-checks.ts";
import { ageOf, fact, facts, plain, timeWithZone, type Column, type Fact } from "./terminal.ts";

const COLUMNS: readonly Column[] = [
  { title: "DOMAIN", least: 16 },
  { title: "ORIGIN" },
  { title: "STATE" },
  { title: "PRIMARY", least: 16 },
  { title: "QUEUE", least: 12 },
];

export const domainList: Command = {
  words: "",
  summary: "Lists the domains with their primaries and what is held for them.",
  options: [],
  example: "holdfast domain list",
  async run(tool) {
    const list = await tool.daemon.ask<DomainList>({ path: "/v1/domains" });
    const rows = list.items.map((domain) => [
      domain.name,
      domain.origin,
      shortState(tool, domain),
      primaryText(domain),
      amountText(domain.mail),
    ]);
    tool.print(list, () =>
      rows.length === 0 ? "There are no domains.\n" : tool.table(COLUMNS, rows) + unknownStates(tool, list),
    );
    return OK;
  },
};

/** Says once for all domains why the states of the primaries are unknown. */
function unknownStates(tool: Tool, { items }: DomainList): string {
  const why = items.find(({ noPrimaries }) => noPrimaries !== undefined)?.noPrimaries;
  return facts(fact("Primaries", why), tool.columns);
}

/** Writes `3 waiting, 1 held`, or `empty`. */
export function amountText(mail: StateCounts): string {
  const amounts = Object.entries(mail).filter(([, count]) => count > 0);
  return amounts.length === 0 ? "empty" : amounts.map(([state, count]) => `${count} ${state}`).join(", ");
}

/** Most domains that are named; further ones are counted. */
const NAMED = 10;

export function someOf(names: readonly string[]): string {
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  return `${names.length}: ${names.slice(0, NAMED).join(", ")}${more}`;
}

function domainState(domain: DomainBody): string {
  const { paused, pausedUntil, draining, noPrimaries } = domain;
  if (draining) return "draining";
  if (paused) return pausedUntil === undefined ? "paused" : `paused until ${timeWithZone(pausedUntil)}`;
  if (noPrimaries !== undefined) return "unknown";
  const up = ownPrimaries(domain).filter((primary) => primary.state === "up");
  return up.length > 0 && up.every(hasStopped) ? "stopped" : "active";
}

/** Returns the declared primaries. Hosts to which mail was rerouted are listed among the primaries, too. */
export function ownPrimaries({ primaries, settings }: DomainBody): DomainBody["primaries"] {
  if (settings.primaries.some(({ mx }) => mx === true)) return primaries;
  const places = new Set(settings.primaries.map(({ host, port }) => hostPort(host, port)));
  return primaries.filter(({ destination }) => places.has(destination));
}

function hasStopped({ probation = [] }: DomainBody["primaries"][number]): boolean {
  return probation.some(({ state }) => state === "stopped");
}

/** Writes the state as short as a column needs: `paused, 2 h left`. */
function shortState(tool: Tool, domain: DomainBody): string {
  const { paused, pausedUntil, draining } = domain;
  if (draining || !paused || pausedUntil === undefined) return domainState(domain);
  return `paused, ${timeInWords(Math.max(0, pausedUntil - tool.now))} left`;
}

/** Describes the state of a probation in one line. */
export function probationText(tool: Tool, { state, since, why, canaryAt }: ProbationBody): string {
  if (state === "running")
    return `running for ${ageOf(since, tool.now)}: the first mails after the outage are delivered a few at a time`;
  const next = canaryAt === undefined ? "" : `; ${canaryText(canaryAt - tool.now)}`;
  return `stopped for ${ageOf(since, tool.now)}: ${why ?? "no reason known"}${next}; \`domain resume\` ends it`;
}

/** `wait` is in ms. */
function canaryText(wait: number): string {
  return wait > 0 ? `next canary in ${timeInWords(wait)}` : "the next mail is the canary";
}

function primaryText({ primaries, settings }: DomainBody): string {
  if (primaries.length > 0)
    return primaries.map(({ destination, state }) => `${destination} ${state}`).join(", ");
  return settings.primaries.map(placeText).join(", ");
}

function placeText({ mx, host, port }: DomainBody["settings"]["primaries"][number]): string {
  return mx === true ? "its MX" : hostPort(host, port);
}

export function domainPath(name: string): string {
  return `/v1/domains/${encodeURIComponent(name)}`;
}

export const domainShow: Command = {
  words: "DOMAIN",
  summary: "Shows one domain.",
  options: [],
  example: "holdfast domain show example.com",
  async run(tool, input) {
    const domain = await tool.daemon.ask<DomainBody>({ path: domainPath(input.word(0)) });
    tool.print(domain, () => domainText(tool, domain));
    return OK;
  },
};

function domainText(tool: Tool, domain: DomainBody): string {
  const { settings, fetched, fileTrouble, oldest } = domain;
  return facts(
    [
      ["Domain", domain.name],
      ["Origin", domain.origin === "file" ? "configuration file" : "API"],
      ["State", domainState(domain)],
      ["Mode", settings.mode],
      ["Recipients", recipientsText(domain)],
      ["Other addresses", unknownText(domain)],
      ["Checks", checksText(settings.checks ?? {})],
      ["Queue", amountText(domain.mail)],
      ["Notices", routeText(domain.notices)],
      ...fact("Quota", settings.quota && quotaText(settings.quota)),
      ...fact("Fetched list", fetched && fetchText(tool, fetched)),
      ...fact("Old list", fileTrouble && `in force, because the changed file cannot be used: ${fileTrouble}`),
      ...fact(
        "Oldest",
        oldest === undefined ? undefined : `${timeWithZone(oldest)}, ${ageOf(oldest, tool.now)} ago`,
      ),
      ...settings.primaries.map(settingsFact),
      ...fact("Now", domain.noPrimaries),
      ...domain.primaries.flatMap((primary) => primaryFacts(tool, primary)),
    ],
    tool.columns,
  );
}

function settingsFact(primary: DomainBody["settings"]["primaries"][number]): Fact {
  return ["Primary", `${placeText(primary)}, tls ${primary.tls}, preference ${primary.preference}`];
}

/** Describes the state of a primary. */
function primaryFacts(tool: Tool, primary: DomainBody["primaries"][number]): readonly Fact[] {
  const { destination, state, since, why, slow, probation = [], acceptAll = [] } = primary;
  const age = (at: number): string => ageOf(at, tool.now);
  const takesAll = `${destination} accepts every address, so callouts prove nothing`;
  return [
    ["Now", `${destination} ${state} for ${age(since)}${why === undefined ? "" : `: ${why}`}`],
    ...fact("Slow", slow && `${destination} for ${age(slow.since)}: ${slow.why}`),
    ...probation.map((each): Fact => ["Probation", `${destination} ${probationText(tool, each)}`]),
    ...fact("Callouts", acceptAll.length > 0 ? takesAll : undefined),
  ];
}

function recipientsText({ origin, declaredList, refusing, settings }: DomainBody): string {
  const { callout, catchAll, fetched } = settings;
  const kind = origin === "file" ? "list in the configuration" : "list from the API";
  const sources = [
    declaredList ? kind : `no ${kind}`,
    ...(fetched === undefined ? [] : [`list at ${fetched.url}`]),
    ...(callout === true ? ["callout"] : []),
    ...(catchAll ? ["catch-all"] : []),
  ];
  const nobody = refusing ? "; no recipient is known: all mail except for postmaster is refused" : "";
  return `${sources.join(", ")}${nobody}`;
}

function unknownText({ settings, fetched }: DomainBody): string {
  const { callout, catchAll, unknownDuringOutage = "accept" } = settings;
  if (catchAll) return "none";
  if (callout !== true && fetched !== undefined && fetched.entries === undefined)
    return "deferred until the list has been fetched";
  return callout === true ? `callout to the primary; during an outage: ${unknownDuringOutage}` : "rejected";
}

/** Describes the state of a fetched list in one line. */
function fetchText(tool: Tool, { entries, checkedAt, error, failedAt }: FetchStatusBody): string {
  const had =
    entries === undefined || checkedAt === undefined
      ? "never fetched"
      : `${counted(entries, "entry", "entries")}, confirmed ${ageOf(checkedAt, tool.now)} ago`;
  const failed = failedAt === undefined ? "" : ` ${ageOf(failedAt, tool.now)} ago`;
  return error === undefined ? had : `${had}; the last fetch${failed} failed: ${error}`;
}

function quotaText({ messages, bytes }: NonNullable<DomainBody["settings"]["quota"]>): string {
  const parts = [
    ...(messages === undefined ? [] : [counted(messages, "mail")]),
    ...(bytes === undefined ? [] : [sizeInWords(bytes)]),
  ];
  return `at most ${parts.join(" and ")} stored`;
}

export const domainRemove: Command = {
  words: "DOMAIN",
  summary: "Removes a domain of origin API; if it holds mail, it drains first.",
  options: [],
  example: "holdfast domain remove example.org",
  async run(tool, input) {
    const name = input.word(0);
    const removed = await tool.daemon.ask<DomainRemoved>({ method: "DELETE", path: domainPath(name) });
    const text =
      removed.result === "removed" ? "removed" : "accepts no new mail; it is removed when its queue is empty";
    tool.print(removed, () => `${plain(name)} ${text}.\n`);
    return OK;
  },
};
