/** `status`: the state of everything at a glance. */
import type { StatusBody } from "../endpoints/admin/contract.ts";
import { sizeInWords } from "../runtime/quantities.ts";
import { OK, type Command, type Tool } from "./command.ts";
import { amountText, probationText, someOf } from "./domains.ts";
import { routeText } from "./notices.ts";
import { ageOf, fact, facts, type Column, type Fact } from "./terminal.ts";

export const status: Command = {
  words: "",
  summary: "Shows the state of everything at a glance.",
  options: [],
  example: "holdfast status",
  async run(tool) {
    const body = await tool.daemon.ask<StatusBody>({ path: "/v1/status" });
    tool.print(body, () => statusText(tool, body));
    return OK;
  },
};

function statusText(tool: Tool, body: StatusBody): string {
  const parts = [
    daemonText(tool, body),
    primariesText(tool, body),
    probationsText(tool, body),
    listsText(tool, body),
    certificatesText(tool, body),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function daemonText(tool: Tool, body: StatusBody): string {
  const { listening, paused, draining, refusing, unlisted, stuck, overQuota, certificates } = body;
  return facts(
    [
      ["Holdfast", `${body.version} on ${body.hostname}, up ${ageOf(body.startedAt, tool.now)}`],
      ["Mail", body.ready ? "accepted" : "not accepted at the moment"],
      ["Listening", listening.length === 0 ? "nowhere" : listening.join(", ")],
      ["Clients", String(body.connections)],
      ["Storage", storageText(body)],
      ["Queue", queueText(body, tool.now)],
      ["Notices", routeText(body.notices)],
      ...fact("Primaries", body.noPrimaries),
      ...fact("Paused", named(paused)),
      ...fact("Draining", named(draining)),
      ...fact("Refusing", named(refusing, "no recipient is known")),
      ...fact("Deferring", named(unlisted, "no list was fetched yet")),
      ...fact("Over quota", named(overQuota, "senders get 452")),
      ...fact("Old list", named(stuck, "the newer one cannot be used; `domain show` says why")),
      ...certificates.flatMap(({ trouble }) => fact("Certificate", keptText(trouble))),
      ...fact("Quarantine", quarantineText(body, tool.now)),
    ],
    tool.columns,
  );
}

function keptText(trouble: string | undefined): string | undefined {
  return trouble === undefined ? undefined : `${trouble}; the previous one stays in use`;
}

function named(domains: readonly string[], why?: string): string | undefined {
  if (domains.length === 0) return undefined;
  return why === undefined ? someOf(domains) : `${someOf(domains)}; ${why}`;
}

function storageText({ condition, room, trouble }: StatusBody): string {
  const known = `${condition}, ${sizeInWords(room)} free above the reserve`;
  return trouble === undefined ? known : `${known}: ${trouble}`;
}

function queueText({ unreadable, mail, oldest }: StatusBody, now: number): string {
  if (unreadable !== undefined) return `cannot be read: ${unreadable}`;
  return `${amountText(mail)}${oldest === undefined ? "" : `; oldest ${ageOf(oldest, now)}`}`;
}

function quarantineText({ quarantined }: StatusBody, now: number): string | undefined {
  const { recipients, oldest } = quarantined;
  if (recipients === 0 || oldest === undefined) return undefined;
  return `${recipients} to look at, the oldest for ${ageOf(oldest, now)}`;
}

type Primary = StatusBody["primaries"][number];

/** Most primaries without trouble that are shown beside those in trouble. */
const IN_ORDER = 20;

/** Most primaries in trouble that a terminal shows; if the network is down, all of them are in trouble. */
const IN_TROUBLE = 40;

/** Primaries in trouble come first, and are shown in full in a pipe; of the others some are shown. */
function primariesText(tool: Tool, { primaries }: StatusBody): string {
  const well = primaries.filter(isWell);
  const ill = primaries.filter((primary) => !isWell(primary));
  const most = tool.columns === Infinity ? ill.length : IN_TROUBLE;
  const rows = [...ill.slice(0, most), ...well.slice(0, IN_ORDER)].map((primary) => [
    primary.destination,
    stateText(primary),
    ageOf(primary.since, tool.now),
    primary.why ?? primary.slow?.why ?? "",
  ]);
  return tableText(tool, standing("PRIMARY"), rows) + moreIll(ill.slice(most)) + moreWell(well.length);
}

function isWell({ state, slow }: Primary): boolean {
  return state === "up" && slow === undefined;
}

function stateText({ state, slow }: Primary): string {
  return slow === undefined ? state : `${state}, slow`;
}

/** Counts the omitted primaries by state: one that is banned must not be hidden by a thousand that are down. */
function moreIll(left: readonly Primary[]): string {
  if (left.length === 0) return "";
  const states = [...Map.groupBy(left, stateText)].map(([state, { length }]) => `${length} more ${state}`);
  return `${states.join("; ")}; holdfast status --json shows all.\n`;
}

function moreWell(count: number): string {
  const left = count - IN_ORDER;
  return left > 0 ? `${left} more are up; holdfast domain list shows them.\n` : "";
}

/** Columns for things that are well or not, since when, and why. */
function standing(title: string): readonly Column[] {
  return [
    { title, least: 20 },
    { title: "STATE" },
    { title: "FOR", right: true },
    { title: "WHY", least: 10 },
  ];
}

function probationsText(tool: Tool, { primaries }: StatusBody): string {
  const tried = primaries.flatMap(({ destination, probation = [] }) =>
    probation.map((each): Fact => [
      "Probation",
      `${each.domain} at ${destination}: ${probationText(tool, each)}`,
    ]),
  );
  return tried.length === 0 ? "" : facts(tried, tool.columns);
}

function listsText(tool: Tool, { lists }: StatusBody): string {
  const rows = lists.map(({ zone, state, since, why = "" }) => [zone, state, ageOf(since, tool.now), why]);
  return tableText(tool, standing("LIST"), rows);
}

const CERTIFICATES: readonly Column[] = [
  { title: "CERTIFICATE", least: 20 },
  { title: "UNTIL" },
  { title: "NAMES", least: 10 },
];

function certificatesText(tool: Tool, { certificates }: StatusBody): string {
  const rows = certificates.map(({ file, names, expiresAt }) => [
    file,
    new Date(expiresAt).toISOString().slice(0, 10),
    names.join(" "),
  ]);
  return tableText(tool, CERTIFICATES, rows);
}

/** Returns an empty text if there are no rows. */
function tableText(tool: Tool, columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : tool.table(columns, rows);
}
