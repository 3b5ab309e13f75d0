/** `domain test`: a session with each primary that ends before any mail is sent. */
import type { RehearsalBody } from "../endpoints/admin/contract.ts";
import { timeInWords } from "../runtime/quantities.ts";
import { FAILED, OK, type Command, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";
import { plain } from "./terminal.ts";
import { verdictLines } from "./verdict-lines.ts";

export const domainTest: Command = {
  words: "DOMAIN",
  summary:
    "Tests a domain's primaries: connection, TLS, size, a known and an unknown recipient. Sends no mail.",
  options: [{ name: "recipient", value: "ADDRESS", help: "an address that exists at the primaries" }],
  example: "holdfast domain test example.com",
  async run(tool, input) {
    const found = await askForTest(tool, input.word(0), input.text("recipient"));
    tool.print(found, () => testText(found, tool.columns));
    return found.ok ? OK : FAILED;
  },
};

export function askForTest(tool: Tool, domain: string, recipient?: string): Promise<RehearsalBody> {
  const path = `${domainPath(domain)}/test`;
  return tool.daemon.ask<RehearsalBody>({ method: "POST", path, query: { recipient } });
}

export function testText({ domain, primaries }: RehearsalBody, columns: number): string {
  const parts = primaries.map(({ destination, steps }) => {
    const looked = steps.map(({ text, took, ...step }) => {
      return { ...step, text: took === undefined ? text : `${text} (${timeInWords(took)})` };
    });
    return [destination === "" ? domain : plain(destination), ...verdictLines(looked, columns)].join("\n");
  });
  return `${parts.join("\n\n")}\n`;
}
