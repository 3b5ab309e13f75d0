/** Exports mail: one mail as it would be sent, or all matching mail as an mbox. */
import { Readable, type Writable } from "node:stream";
import type { QueuePage } from "../endpoints/admin/contract.ts";
import { counted } from "../runtime/quantities.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Tool } from "./command.ts";
import { Refused } from "./daemon.ts";
import { writeOut, type Flaw } from "./files.ts";
import { mboxOf, type MboxEnvelope } from "./mbox.ts";
import { pagesOf } from "./pages.ts";
import { FILTERS, filterOf, refuseForeign, selectionOf } from "./queue-filter.ts";

export const queueExport: Command = {
  words: "[ID]",
  summary:
    "Writes a mail as it would go out (message/rfc822), or all that matches as an mbox, to stdout or a file.",
  options: [
    ...FILTERS,
    { name: "all", help: "all mail, if no filter is given" },
    { name: "output", value: "FILE", help: "write to FILE; an existing one stays until all mail is written" },
    { name: "damaged", help: "also mail whose stored copy differs from the accepted one" },
  ],
  example: "holdfast queue export --domain example.com --output mail.mbox",
  json: false,
  async run(tool, input) {
    if (input.text("output") === undefined && isTerminal(tool.stdout))
      throw new WrongUse("a mail may hold what steers a terminal; give --output FILE, or a pipe");
    const [id] = input.words;
    if (id !== undefined && Object.keys(filterOf(input)).length > 0)
      throw new WrongUse("an id or a filter, not both");
    const filter = selectionOf("export", input);
    return id === undefined ? exportAll(tool, input, filter) : exportOne(tool, input, id);
  },
};

async function exportOne(tool: Tool, input: Input, id: string): Promise<number> {
  await writeOut(tool, input, await mailOf(tool, id, input.flag("damaged")));
  return OK;
}

async function exportAll(tool: Tool, input: Input, filter: Filter): Promise<number> {
  const taken = { mails: 0, leftOut: 0, damaged: input.flag("damaged") };
  const mails = Readable.from(mbox(tool, filter, taken), { objectMode: false });
  await writeOut(tool, input, mails, flawOf(taken));
  if (taken.mails + taken.leftOut === 0) await refuseForeign(tool, input);
  const leftOut = taken.leftOut === 0 ? "" : `, ${taken.leftOut} left out`;
  tool.complain(`${counted(taken.mails, "mail")}${leftOut}`);
  return taken.mails === 0 || taken.leftOut > 0 ? FAILED : OK;
}

function isTerminal(stream: Writable): boolean {
  return (stream as Writable & { readonly isTTY?: boolean }).isTTY === true;
}

function mailOf(tool: Tool, id: string, damaged: boolean): Promise<Readable> {
  const query = damaged ? { damaged: "1" } : {};
  return tool.daemon.stream({ path: `/v1/queue/${encodeURIComponent(id)}/export`, query });
}

type Filter = Readonly<Record<string, string>>;

interface Taken {
  mails: number;
  /** Mails that the daemon could not provide. */
  leftOut: number;
  /** True if damaged mails are exported, too, as far as they can be read. */
  readonly damaged: boolean;
}

/** The earlier export may be the only copy of a mail that this one lacks. */
function flawOf(taken: Taken): Flaw {
  return (earlier) => {
    if (taken.mails === 0) return "no mail came";
    if (!earlier || taken.leftOut === 0) return undefined;
    return `${counted(taken.leftOut, "mail")} left out; name another FILE`;
  };
}

/** Yields one mail after the other. A mail that disappears meanwhile is omitted; a damaged one is reported. */
async function* mbox(tool: Tool, filter: Filter, taken: Taken): AsyncGenerator<Buffer> {
  const found = await matching(tool, filter);
  for await (const { id, asked } of askedAhead(found.keys(), (each) => mailOf(tool, each, taken.damaged))) {
    const mail = await asked.catch((error: unknown) => {
      if (!(error instanceof Refused) || ![404, 500].includes(error.status)) throw error;
      if (error.status === 404) return undefined;
      taken.leftOut += 1;
      tool.complain(`left out: ${id}: ${error.message}`);
    });
    if (mail === undefined) continue;
    taken.mails += 1;
    yield* mboxOf(mail, found.get(id) as MboxEnvelope);
  }
}

/** Number of mails that are requested in advance, so that the daemon works while one is written. */
const AHEAD = 4;

interface Asked {
  readonly id: string;
  readonly asked: Promise<Readable>;
}

async function* askedAhead(
  ids: Iterable<string>,
  ask: (id: string) => Promise<Readable>,
): AsyncGenerator<Asked> {
  const line: Asked[] = [];
  try {
    for (const id of ids) {
      const asked = ask(id);
      // The consumer of this promise gets the error later.
      asked.catch(() => undefined);
      line.push({ id, asked });
      if (line.length > AHEAD) yield line.shift() as Asked;
    }
    while (line.length > 0) yield line.shift() as Asked;
  } finally {
    for (const { asked } of line)
      asked.then(
        (mail) => mail.destroy(),
        () => undefined,
      );
  }
}

/** Returns each mail once, however many of its recipients match. */
async function matching(tool: Tool, filter: Filter): Promise<ReadonlyMap<string, MboxEnvelope>> {
  const found = new Map<string, MboxEnvelope>();
  for await (const page of pagesOf<QueuePage>(tool, { path: "/v1/queue", query: filter }))
    for (const { id, sender, acceptedAt } of page.items) found.set(id, { sender, acceptedAt });
  return found;
}
