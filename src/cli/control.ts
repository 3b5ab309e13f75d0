/** The daemon itself: status, reload, health. */
import type { HealthBody, ReloadBody, StatusBody } from "../endpoints/admin/contract.ts";
import { FAILED, OK, type Command, type Tool } from "./command.ts";
import { NoDaemon } from "./daemon.ts";
import { amountText, probationText } from "./domains.ts";
import { routeText } from "./notices.ts";
import { ageOf, facts, plain, sizeInWords, type Column } from "./terminal.ts";

const PRIMARIES: readonly Column[] = [
  { title: "PRIMARY", least: 20 },
  { title: "STATE" },
  { title: "FOR", right: true },
  { title: "WHY", least: 10 },
];

const LISTS: readonly Column[] = [
  { title: "LIST", least: 20 },
  { title: "STATE" },
  { title: "FOR", right: true },
  { title: "WHY", least: 10 },
];

const CERTIFICATES: readonly Column[] = [
  { title: "CERTIFICATE", least: 20 },
  { title: "UNTIL" },
  { title: "NAMES", least: 10 },
];

export const status: Command = {
  words: "",
  summary: "One look at everything.",
  options: [],
  example: "holdfast status",
  async run(tool) {
    const body = await tool.daemon.ask<StatusBody>({ path: "/v1/status" });
    tool.print(body, () => statusText(tool, body));
    return OK;
  },
};

function statusText(tool: Tool, body: StatusBody): string {
  const lines = facts(
    [
      ["Holdfast", `${body.version} on ${body.hostname}, up ${ageOf(body.startedAt, tool.now)}`],
      ["Mail", body.ready ? "accepted" : "not accepted at the moment"],
      ["Listening", body.listening.length === 0 ? "nowhere" : body.listening.join(", ")],
      ["Clients", String(body.connections)],
      ["Storage", storageText(body)],
      ["Queue", queueText(body, tool.now)],
      ["Notices", routeText(body.notices)],
      ...(body.paused.length === 0 ? [] : [["Paused", someOf(body.paused)] as const]),
      ...(body.draining.length === 0 ? [] : [["Draining", someOf(body.draining)] as const]),
      ...quarantineRow(tool, body.quarantined),
    ],
    tool.columns,
  );
  const { shown, more } = chosen(body.primaries);
  const rows = shown.map(({ destination, state, since, why, slow }) => [
    destination,
    slow === undefined ? state : `${state}, slow`,
    ageOf(since, tool.now),
    why ?? slow?.why ?? "",
  ]);
  const lists = body.lists.map(({ zone, state, since, why }) => [
    zone,
    state,
    ageOf(since, tool.now),
    why ?? "",
  ]);
  const certificates = body.certificates.map(({ file, names, expiresAt }) => [
    file,
    new Date(expiresAt).toISOString().slice(0, 10),
    names.join(" "),
  ]);
  const tried = body.primaries.flatMap(({ destination, probation = [] }) =>
    probation.map(
      (each) => ["Probation", `${each.domain} at ${destination}: ${probationText(tool, each)}`] as const,
    ),
  );
  const tables = [
    ...(rows.length === 0 ? [] : [tool.table(PRIMARIES, rows) + more]),
    ...(tried.length === 0 ? [] : [facts(tried, tool.columns)]),
    ...(lists.length === 0 ? [] : [tool.table(LISTS, lists)]),
    ...(certificates.length === 0 ? [] : [tool.table(CERTIFICATES, certificates)]),
  ];
  return [lines, ...tables].join("\n");
}

function storageText({ condition, room, trouble }: StatusBody): string {
  const known = `${condition}, ${sizeInWords(room)} free above the reserve`;
  return trouble === undefined ? known : `${known}: ${trouble}`;
}

function queueText({ unreadable, mail, oldest }: StatusBody, now: number): string {
  if (unreadable !== undefined) return `cannot be read: ${unreadable}`;
  return `${amountText(mail)}${oldest === undefined ? "" : `; oldest ${ageOf(oldest, now)}`}`;
}

type Primary = StatusBody["primaries"][number];

/** Primaries in order that are shown beside those in trouble. */
const IN_ORDER = 20;

/** Those in trouble come first, all of them; of those in order some. */
function chosen(primaries: readonly Primary[]): { shown: readonly Primary[]; more: string } {
  const isWell = ({ state, slow }: Primary): boolean => state === "up" && slow === undefined;
  const well = primaries.filter(isWell);
  const shown = [...primaries.filter((primary) => !isWell(primary)), ...well.slice(0, IN_ORDER)];
  const left = well.length - IN_ORDER;
  return { shown, more: left > 0 ? `${left} more are up; holdfast domain list shows them.\n` : "" };
}

function quarantineRow(
  tool: Tool,
  { recipients, oldest }: StatusBody["quarantined"],
): readonly (readonly [string, string])[] {
  if (recipients === 0 || oldest === undefined) return [];
  return [["Quarantine", `${recipients} to look at, the oldest for ${ageOf(oldest, tool.now)}`]];
}

export const reload: Command = {
  words: "",
  summary: "Reads the configuration again. With a problem in it, nothing changes.",
  options: [],
  example: "holdfast reload",
  async run(tool) {
    const { body } = await tool.daemon.askAnyway<ReloadBody>({ method: "POST", path: "/v1/reload" });
    tool.print(body, () => (body.ok ? reloadText(tool, body) : ""));
    for (const told of body.warnings ?? body.problems ?? []) tool.complain(told);
    if (body.ok) return OK;
    tool.complain("nothing was changed");
    return FAILED;
  },
};

function reloadText(tool: Tool, { restart = [], domains }: ReloadBody): string {
  const keys = restart.map((key) => `${plain(key)} takes effect after a restart.\n`);
  const moved = Object.entries(domains ?? {}).filter(([, names]) => names.length > 0);
  const rows = moved.map(([how, names]) => [`Domains ${how}`, someOf(names)] as const);
  return `The configuration is in effect.\n${keys.join("")}${rows.length === 0 ? "" : facts(rows, tool.columns)}`;
}

/** Domains that are named; of more their number is told. */
const NAMED = 10;

function someOf(names: readonly string[]): string {
  const more = names.length > NAMED ? `, and ${names.length - NAMED} more` : "";
  return `${names.length}: ${names.slice(0, NAMED).join(", ")}${more}`;
}

export const health: Command = {
  words: "",
  summary: "Exit code 0 when the daemon is alive, 1 when not; for Docker's HEALTHCHECK.",
  options: [{ name: "ready", help: "ask whether it accepts mail" }],
  example: "holdfast health",
  async run(tool, input) {
    try {
      const path = input.flag("ready") ? "/readyz" : "/healthz";
      const { body } = await tool.daemon.askAnyway<HealthBody>({ path });
      tool.print(body, () => `${body.ok ? "ok" : plain(body.why ?? "not ok")}\n`);
      return body.ok ? OK : FAILED;
    } catch (error) {
      // Docker knows no other codes than 0 and 1.
      if (!(error instanceof NoDaemon)) throw error;
      tool.complain(error.message);
      return FAILED;
    }
  },
};
