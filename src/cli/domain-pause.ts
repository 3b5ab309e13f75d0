/** Maintenance of a primary: pausing and resuming deliveries. */
import type { DomainPaused } from "../endpoints/admin/contract.ts";
import { OK, type Command } from "./command.ts";
import { domainPath } from "./domains.ts";
import { plain, timeWithZone } from "./terminal.ts";
import { timeToCome } from "./when.ts";

export const domainPause: Command = {
  words: "DOMAIN",
  summary: "Stops deliveries; mail is still accepted and held.",
  options: [{ name: "until", value: "TIME", help: "when they resume: 90m, 2h, 3d, 2026-11-22T08:00" }],
  example: "holdfast domain pause example.com --until 2h",
  async run(tool, input) {
    const given = input.text("until");
    const until = given === undefined ? undefined : String(timeToCome("until", given, tool.now));
    const path = `${domainPath(input.word(0))}/pause`;
    const domain = await tool.daemon.ask<DomainPaused>({ method: "POST", path, query: { until } });
    const end = domain.until === undefined ? "" : ` until ${timeWithZone(domain.until)}`;
    tool.print(domain, () => `${plain(domain.name)}: deliveries paused${end}.\n`);
    return OK;
  },
};

export const domainResume: Command = {
  words: "DOMAIN",
  summary: "Resumes deliveries after a pause or a stopped probation.",
  options: [],
  example: "holdfast domain resume example.com",
  async run(tool, input) {
    const path = `${domainPath(input.word(0))}/resume`;
    const domain = await tool.daemon.ask<DomainPaused>({ method: "POST", path });
    tool.print(domain, () => `${plain(domain.name)}: deliveries go on.\n`);
    return OK;
  },
};
