/** `domain test`: a session with each primary that stops before any mail. */
import type { RehearsalBody } from "../endpoints/admin/contract.ts";
import { FAILED, OK, type Command, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";
import { plain, timeInWords } from "./terminal.ts";

const MARKS = { ok: "ok  ", warn: "warn", fail: "FAIL" } as const;

export const domainTest: Command = {
  words: "DOMAIN",
  summary:
    "Tests a domain's primaries: connection, TLS, size, a known and an unknown recipient. Sends no mail.",
  options: [{ name: "recipient", value: "ADDRESS", help: "an address that exists there" }],
  example: "holdfast domain test example.com",
  async run(tool, input) {
    const found = await askForTest(tool, input.word(0), input.text("recipient"));
    tool.print(found, () => testText(found));
    return found.ok ? OK : FAILED;
  },
};

export function askForTest(tool: Tool, domain: string, recipient?: string): Promise<RehearsalBody> {
  const query = recipient === undefined ? "" : `?recipient=${encodeURIComponent(recipient)}`;
  return tool.daemon.ask<RehearsalBody>({ method: "POST", path: `${domainPath(domain)}/test${query}` });
}

export function testText({ domain, primaries }: RehearsalBody): string {
  const parts = primaries.map(({ destination, steps }) => {
    const lines = steps.map(({ what, verdict, text, took }) => {
      const time = took === undefined ? "" : ` (${timeInWords(took)})`;
      return `  ${MARKS[verdict]}  ${what.padEnd(8)}  ${plain(text)}${time}`;
    });
    return [destination === "" ? domain : plain(destination), ...lines].join("\n");
  });
  return `${parts.join("\n\n")}\n`;
}
