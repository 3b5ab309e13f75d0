/** The ledger: the fate of every mail, as a table or as CSV. */
import { Readable } from "node:stream";
import type { QueueEntryBody, QueuePage } from "../endpoints/admin/contract.ts";
import { OK, WrongUse, type Input, type Option, type Tool } from "./command.ts";
import { writeOut } from "./files.ts";
import { toldText } from "./notices.ts";
import { pagesOf } from "./pages.ts";
import { bare, FILTERS, filterOf } from "./queue-filter.ts";
import { stateOf } from "./queue-look.ts";
import { plain, timeWithZone, type Column } from "./terminal.ts";

export const LEDGER_OPTIONS: readonly Option[] = [
  { name: "ledger", help: "what became of every mail, or of those that match the filters" },
  { name: "csv", help: "the ledger as CSV" },
  { name: "output", value: "FILE", help: "write the CSV there" },
  ...FILTERS,
];

/** Fetches page after page, so that a ledger of any size can be printed. */
function ledgerPages(tool: Tool, filter: Readonly<Record<string, string>>): AsyncIterable<QueuePage> {
  return pagesOf<QueuePage>(tool, { path: "/v1/queue", query: { ...filter, ledger: "1" } });
}

/** Prints the ledger; `about` narrows it to one mail or one recipient. */
export async function printLedger(tool: Tool, input: Input): Promise<number> {
  const about = aboutFilter(input.words[0]);
  if (about["recipient"] !== undefined && input.text("recipient") !== undefined)
    throw new WrongUse("ABOUT or --recipient, not both");
  const filter = { ...filterOf(input), ...about };
  if (input.flag("csv") && input.flag("json")) throw new WrongUse("--csv or --json, not both");
  if (input.flag("csv")) return writeCsv(tool, input, filter);
  if (input.text("output") !== undefined) throw new WrongUse("--output goes with --csv");
  const items: QueueEntryBody[] = [];
  for await (const page of ledgerPages(tool, filter)) items.push(...page.items);
  tool.print({ items }, () =>
    items.length === 0 ? `The ledger has no ${nothingText(about)}.\n` : ledgerTable(tool, items),
  );
  return OK;
}

function aboutFilter(about: string | undefined): Readonly<Record<string, string>> {
  if (about === undefined) return {};
  return about.includes("@") ? { recipient: bare(about) } : { id: about };
}

/** Says how ABOUT was understood: a sender, or a Message-ID, looks like a recipient. */
function nothingText({ id, recipient }: Readonly<Record<string, string>>): string {
  if (id !== undefined) return `mail with the id ${plain(id)}`;
  if (recipient === undefined) return "such mail";
  return `mail to ${plain(recipient)}; --sender ADDRESS takes a sender, and trace without --ledger a Message-ID`;
}

const COLUMNS: readonly Column[] = [
  { title: "ACCEPTED" },
  { title: "RECIPIENT", least: 12 },
  { title: "STATE", least: 9 },
  { title: "ITS ID", least: 6 },
  { title: "FINAL WORDS", least: 8 },
];

function ledgerTable(tool: Tool, items: readonly QueueEntryBody[]): string {
  const rows = items.map((entry) => [
    timeWithZone(entry.acceptedAt).slice(0, 19),
    entry.recipient,
    stateOf(entry),
    primaryId(entry.lastReply),
    entry.lastReply ?? "",
  ]);
  return tool.table(COLUMNS, rows);
}

/** Returns the id that the primary gave the mail, if its reply has a known form. */
export function primaryId(words = ""): string {
  const forms = [
    /\bqueued as ([\w.-]+)/i,
    /\bid=([\w.-]+)/,
    /\b([\w.-]+) Message accepted for delivery/i,
    /<([^<>\s]+)> \[InternalId=/,
    /\bok:? +(?:queued +)?([0-9A-Za-z]{8,})$/i,
  ];
  for (const form of forms) {
    const found = form.exec(words)?.[1];
    if (found !== undefined) return found;
  }
  return "";
}

type Cell = (entry: QueueEntryBody) => string | number;

const CELLS: readonly (readonly [title: string, cell: Cell])[] = [
  ["id", ({ id }) => id],
  ["accepted", ({ acceptedAt }) => new Date(acceptedAt).toISOString()],
  ["sender", ({ sender }) => sender],
  ["recipient", ({ recipient }) => recipient],
  ["domain", ({ domain }) => domain],
  ["state", ({ state }) => state],
  ["reason", ({ reason = "" }) => reason],
  ["since", ({ updatedAt }) => new Date(updatedAt).toISOString()],
  ["attempts", ({ attempts }) => attempts],
  ["replies_lost", ({ unconfirmed }) => unconfirmed],
  ["primary", ({ destination = "" }) => destination],
  ["primary_id", ({ lastReply }) => primaryId(lastReply)],
  ["final_words", ({ lastReply = "" }) => lastReply],
  ["size", ({ size }) => size],
  ["sha256", ({ hash = "" }) => hash],
  ["sender_told", ({ told }) => (told === undefined ? "" : toldText(told))],
];

async function writeCsv(tool: Tool, input: Input, filter: Readonly<Record<string, string>>): Promise<number> {
  const rows = Readable.from(csv(ledgerPages(tool, filter)));
  await writeOut(tool, input, rows);
  return OK;
}

/** Writes CSV (RFC 4180); each page of entries is one chunk. */
async function* csv(pages: AsyncIterable<QueuePage>): AsyncGenerator<string> {
  yield `${CELLS.map(([title]) => title).join(",")}\r\n`;
  for await (const { items } of pages) {
    if (items.length === 0) continue;
    yield items.map((entry) => `${CELLS.map(([, cell]) => quoted(cell(entry))).join(",")}\r\n`).join("");
  }
}

/**
 * Quotes a value. Strangers choose some of the values: a spreadsheet must not read one as a formula, full-width signs
 * included.
 */
function quoted(value: string | number): string {
  if (typeof value === "number") return String(value);
  const safe = plain(value).replace(/^[=+\-@\uff1d\uff0b\uff0d\uff20]/, "'$&");
  return `"${safe.replaceAll('"', '""')}"`;
}
