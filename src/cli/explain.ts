/** `explain`: the reply that a client would get, and the reasons, from a rehearsal of the checks. */
import type { ExplainBody } from "../endpoints/admin/contract.ts";
import { timeInWords } from "../runtime/quantities.ts";
import { OK, WrongUse, type Command, type Input, type Tool } from "./command.ts";
import { looksText } from "./looks.ts";
import { bare } from "./queue-filter.ts";
import { plain, wrap } from "./terminal.ts";

/** An explained mail has no body, and its client has no other connections. */
const UNSEEN =
  "Not looked at: what only a body shows (its size, loops, DKIM, DMARC, scanners) and how many connections are open.";

export const explain: Command = {
  words: "",
  summary:
    "Shows which reply a client would get, and the result of each check. Nothing is counted, remembered or delivered; DNS lists are queried.",
  options: [
    { name: "ip", value: "ADDRESS", help: "the client" },
    { name: "helo", value: "NAME", help: "its name in EHLO" },
    { name: "from", value: "ADDRESS", help: "the return path; <> is the null sender" },
    { name: "rcpt", value: "ADDRESS", help: "the recipient" },
  ],
  example:
    "holdfast explain --ip 192.0.2.1 --helo mx.example.org \\\n  --from a@example.org --rcpt bob@example.net",
  async run(tool, input) {
    const [ip, helo, from, rcpt] = ["ip", "helo", "from", "rcpt"].map((name) => needed(input, name));
    const query = { ip, helo, from: bare(from ?? ""), rcpt: bare(rcpt ?? "") };
    const answer = await tool.daemon.ask<ExplainBody>({ path: "/v1/explain", query });
    tool.print(answer, () => answerText(tool, answer));
    return OK;
  },
};

function needed(input: Input, name: string): string {
  const text = input.text(name);
  if (text === undefined) throw new WrongUse(`--${name} is missing`);
  return text;
}

function answerText(tool: Tool, { steps, verdict, fields, checks, greetDelay }: ExplainBody): string {
  const line = (who: string, text: string): string => `${who}: ${wrap(plain(text), tool.columns - 3, 3)}\n`;
  const waits = greetDelay === 0 ? "" : `The greeting would wait ${timeInWords(greetDelay)}.\n`;
  const talk = steps.map(({ command, reply }) =>
    [...(command === undefined ? [] : [line("C", command)]), line("S", reply)].join(""),
  );
  const looks = checks.length === 0 ? "" : `\nChecks:\n${looksText(checks, tool.columns)}`;
  const added = fields.map((field) => line("Field", field.replace(/\r\n\s+/g, " ")));
  const end = `Verdict: ${verdict}. Nothing was counted or remembered. ${UNSEEN}`;
  return `${waits}${talk.join("")}${looks}${added.join("")}\n${wrap(end, tool.columns, 0)}\n`;
}
