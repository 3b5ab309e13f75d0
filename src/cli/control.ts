/** Verbs about the daemon itself: reload, health. */
import type { HealthBody, ReloadBody } from "../endpoints/admin/contract.ts";
import { FAILED, OK, WRONG_USE, type Command, type Tool } from "./command.ts";
import { NoDaemon } from "./daemon.ts";
import { someOf } from "./domains.ts";
import { facts, plain } from "./terminal.ts";

export const reload: Command = {
  words: "",
  summary: "Reads the configuration again. If it has a mistake, nothing changes and the exit code is 2.",
  options: [],
  example: "holdfast reload",
  async run(tool) {
    const { body } = await tool.daemon.askAnyway<ReloadBody>({ method: "POST", path: "/v1/reload" });
    tool.print(body, () => (body.ok ? reloadText(tool, body) : ""));
    for (const told of body.warnings ?? body.problems ?? []) tool.complain(told);
    if (body.ok) return OK;
    tool.complain("nothing was changed");
    return body.problems === undefined ? FAILED : WRONG_USE;
  },
};

function reloadText(tool: Tool, { restart = [], domains }: ReloadBody): string {
  const keys = restart.map((key) => `${plain(key)} takes effect after a restart.\n`);
  const moved = Object.entries(domains ?? {}).filter(([, names]) => names.length > 0);
  const rows = moved.map(([how, names]) => [`Domains ${how}`, someOf(names)] as const);
  return `The configuration is in effect.\n${keys.join("")}${rows.length === 0 ? "" : facts(rows, tool.columns)}`;
}

export const health: Command = {
  words: "",
  summary: "Exit code 0 if the daemon is alive, 1 if not; for Docker's HEALTHCHECK.",
  options: [{ name: "ready", help: "ask whether it accepts mail" }],
  example: "holdfast health",
  async run(tool, input) {
    try {
      const path = input.flag("ready") ? "/readyz" : "/healthz";
      const { body } = await tool.daemon.askAnyway<HealthBody>({ path });
      tool.print(body, () => `${body.ok ? "ok" : plain(body.why ?? "not ok")}\n`);
      return body.ok ? OK : FAILED;
    } catch (error) {
      // Docker gives a meaning to the codes 0 and 1 only.
      if (!(error instanceof NoDaemon)) throw error;
      tool.complain(error.message);
      return FAILED;
    }
  },
};
