/** `trace`: where is my mail? */
import type { TraceBody } from "../endpoints/admin/contract.ts";
import { FAILED, OK, WrongUse, type Command, type Tool } from "./command.ts";
import { LEDGER_OPTIONS, printLedger } from "./ledger.ts";
import { obstaclesOf, type Obstacles } from "./obstacles.ts";
import { looksText } from "./looks.ts";
import { FILTERS } from "./queue-filter.ts";
import { entryText } from "./queue-look.ts";
import { ageOf, plain, timeWithZone, wrap } from "./terminal.ts";

/** Columns of indentation. */
const MARGIN = 4;

export const trace: Command = {
  words: "[ABOUT]",
  summary: "Where is my mail? Shows its state and history, by id, address or Message-ID.",
  options: LEDGER_OPTIONS,
  example: "holdfast trace alice@example.com",
  async run(tool, input) {
    if (input.flag("ledger")) return printLedger(tool, input);
    for (const name of ["csv", "output", ...FILTERS.map((filter) => filter.name)])
      if (input.flag(name) || input.text(name) !== undefined)
        throw new WrongUse(`--${name} goes with --ledger`);
    if (input.words.length === 0) throw new WrongUse("ABOUT is missing; --ledger shows all");
    const found = await tool.daemon.ask<TraceBody>({ path: "/v1/trace", query: { about: input.word(0) } });
    const known = found.mails.length > 0 || found.lines.length > 0;
    const obstacles = await obstaclesOf(tool, found.mails);
    tool.print(found, () =>
      known
        ? traceText(tool, found, obstacles)
        : `Nothing is known of ${plain(found.about)}: it never came, or its trace was removed by age.\n`,
    );
    return known ? OK : FAILED;
  },
};

function traceText(tool: Tool, { mails, lines }: TraceBody, obstacles: Obstacles): string {
  const states = mails.map(
    (entry) => `Mail ${plain(entry.id)}\n${entryText(tool, entry, obstacles(entry))}\n`,
  );
  const events = lines.map(({ at, id, text, checks = [] }) => {
    const head = `${timeWithZone(at)}  ${id === "-" ? "no mail" : plain(id)}  ${ageOf(at, tool.now)} ago`;
    return `${head}\n${" ".repeat(MARGIN)}${wrap(plain(text), tool.columns - MARGIN, MARGIN)}\n${looksText(checks, tool.columns)}`;
  });
  return states.join("") + events.join("");
}
