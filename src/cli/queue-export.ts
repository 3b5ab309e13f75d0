/** Taking mail out: one as it would go out, or all that matches as an mbox. */
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { QueuePage } from "../endpoints/admin/contract.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Tool } from "./command.ts";
import { Refused } from "./daemon.ts";
import { writeGiven } from "./files.ts";
import { mboxOf, type MboxEnvelope } from "./mbox.ts";
import { FILTERS, filterOf, refuseForeign } from "./queue-look.ts";
import { plain } from "./terminal.ts";

const PAGE = 1000;

export const queueExport: Command = {
  words: "[ID]",
  summary:
    "Writes a mail as it would go out (message/rfc822), or all that matches as an mbox, to stdout or a file.",
  options: [
    ...FILTERS,
    { name: "all", help: "everything, where nothing else narrows it" },
    { name: "output", value: "FILE", help: "write there" },
  ],
  example: "holdfast queue export --domain example.com --output mail.mbox",
  async run(tool, input) {
    const [id] = input.words;
    if (input.text("output") === undefined && isTerminal(tool.stdout))
      throw new WrongUse("a mail may hold what steers a terminal; give --output FILE, or a pipe");
    const given = Object.keys(filterOf(input)).length > 0;
    if (id !== undefined && given) throw new WrongUse("an id or a filter, not both");
    if (id !== undefined) return write(tool, input, await mailOf(tool, id));
    if (!given && !input.flag("all"))
      throw new WrongUse("what to export? give an id, a filter such as --domain example.com, or --all");
    const counted = { mails: 0 };
    await write(tool, input, Readable.from(mbox(tool, filterOf(input), counted), { objectMode: false }));
    if (counted.mails === 0) await refuseForeign(tool, input);
    tool.complain(`${counted.mails} ${counted.mails === 1 ? "mail" : "mails"}`);
    return counted.mails === 0 ? FAILED : OK;
  },
};

function isTerminal(stream: Writable): boolean {
  return (stream as Writable & { readonly isTTY?: boolean }).isTTY === true;
}

async function write(tool: Tool, input: Input, content: Readable): Promise<number> {
  const file = input.text("output");
  if (file === undefined) await pipeline(content, tool.stdout, { end: false });
  else {
    await writeGiven(file, content);
    tool.complain(`written to ${plain(file)}`);
  }
  return OK;
}

function mailOf(tool: Tool, id: string): Promise<Readable> {
  return tool.daemon.stream({ path: `/v1/queue/${encodeURIComponent(id)}/export` });
}

/** One mail after the other; one that goes meanwhile is left out. */
async function* mbox(
  tool: Tool,
  filter: Readonly<Record<string, string>>,
  counted: { mails: number },
): AsyncGenerator<Buffer> {
  for (const [id, envelope] of await matching(tool, filter)) {
    const mail = await mailOf(tool, id).catch((error: unknown) => {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    });
    if (mail === undefined) continue;
    counted.mails += 1;
    yield* mboxOf(mail, envelope);
  }
}

/** Each mail once, whatever number of its recipients match. */
async function matching(
  tool: Tool,
  filter: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, MboxEnvelope>> {
  const found = new Map<string, MboxEnvelope>();
  let cursor: string | undefined;
  do {
    const query = { ...filter, limit: String(PAGE), cursor };
    const page = await tool.daemon.ask<QueuePage>({ path: "/v1/queue", query });
    for (const { id, sender, acceptedAt } of page.items) found.set(id, { sender, acceptedAt });
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}
