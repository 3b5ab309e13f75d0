/** Looking at the queue: list, show. */
import {
  ReasonName,
  StateName,
  type MailBody,
  type QueueEntryBody,
  type QueuePage,
} from "../endpoints/admin/contract.ts";
import { OK, type Command, type Input, type Option, type Tool } from "./command.ts";
import { domainPath } from "./domains.ts";
import { obstaclesOf } from "./obstacles.ts";
import { mailNotices, recipientNotices } from "./notices.ts";
import { collect, moreText, PAGING } from "./pages.ts";
import { ageOf, facts, sizeInWords, timeInWords, timeWithZone, type Column } from "./terminal.ts";

const STATES: readonly string[] = StateName.options;
/** Why mail is held, parked or gone. */
const REASONS: readonly string[] = ReasonName.options;

export const FILTERS: readonly Option[] = [
  { name: "domain", value: "DOMAIN", help: "only recipients of this domain" },
  { name: "sender", value: "ADDRESS", help: "only from this sender; <> is the null sender" },
  { name: "recipient", value: "ADDRESS", help: "only for this recipient" },
  {
    name: "state",
    value: "STATE",
    choices: STATES,
    help: STATES.join(", "),
  },
  {
    name: "reason",
    value: "REASON",
    choices: REASONS,
    help: REASONS.join(", "),
  },
];

/** The filter that was given; `<>` is the null sender. */
export function filterOf(input: Input): Record<string, string> {
  const given = FILTERS.map(({ name }) => [name, input.text(name)] as const);
  const filter = Object.fromEntries(
    given.filter((entry): entry is readonly [string, string] => entry[1] !== undefined),
  );
  return filter["sender"] === "<>" ? { ...filter, sender: "" } : filter;
}

/** Where nothing was found: rejects when the domain that was given is none of ours, as after a slip of the pen. */
export async function refuseForeign(tool: Tool, input: Input): Promise<void> {
  const domain = input.text("domain");
  // Notices to senders wait under `+notices`, a name that no domain can have.
  const isDomain = domain !== undefined && !domain.startsWith("+");
  if (isDomain) await tool.daemon.ask({ path: domainPath(domain) });
}

export const queueList: Command = {
  words: "",
  summary: "Lists recipients in the queue, oldest first.",
  options: [
    ...FILTERS,
    ...PAGING,
    { name: "ledger", help: "also what is gone: delivered, deleted, expired" },
  ],
  example: "holdfast queue list --domain example.com --state held",
  async run(tool, input) {
    const query = { ...filterOf(input), ...(input.flag("ledger") && { ledger: "1" }) };
    const page = await collect<QueuePage>(tool, input, { path: "/v1/queue", query });
    if (page.items.length === 0) await refuseForeign(tool, input);
    tool.print(page, () => (page.items.length === 0 ? nothingText(input) : listText(tool, page)));
    return OK;
  },
};

function nothingText(input: Input): string {
  return Object.keys(filterOf(input)).length === 0
    ? "The queue is empty.\n"
    : "No mail in the queue matches.\n";
}

const COLUMNS: readonly Column[] = [
  { title: "ID" },
  { title: "RECIPIENT", least: 14 },
  { title: "STATE", least: 11 },
  { title: "AGE", right: true },
  { title: "LAST REPLY", least: 10 },
];

function listText(tool: Tool, page: QueuePage): string {
  const { items, next, total } = page;
  const rows = items.map((entry) => [
    entry.id,
    entry.recipient,
    stateOf(entry),
    ageOf(entry.acceptedAt, tool.now),
    entry.lastReply ?? "",
  ]);
  const shown = tool.table(COLUMNS, rows);
  if (next === undefined || total === undefined) return shown + moreText(page);
  return `${shown}${total - items.length} more; --limit N or --all shows them.\n`;
}

export function stateOf({ state, reason }: QueueEntryBody): string {
  if (state === "gone") return reason ?? state;
  return reason === undefined ? state : `${state}: ${reason}`;
}

export const queueShow: Command = {
  words: "ID",
  summary: "Shows one mail with all its recipients.",
  options: [],
  example: "holdfast queue show 01k9zq3v5x0abcde",
  async run(tool, input) {
    const path = `/v1/queue/${encodeURIComponent(input.word(0))}`;
    const mail = await tool.daemon.ask<MailBody>({ path });
    const obstacles = await obstaclesOf(tool, mail.recipients);
    const entries = mail.recipients.map((entry) => `\n${entryText(tool, entry, obstacles(entry))}`);
    tool.print(mail, () => mailText(tool, mail) + entries.join(""));
    return OK;
  },
};

/** What is known of a mail as a whole. */
export function mailText(tool: Tool, mail: MailBody): string {
  const { client } = mail;
  const name = client.name === undefined ? "" : ` (${client.name})`;
  return facts(
    [
      ["Mail", mail.id],
      ["Sender", `<${mail.sender}>`],
      ...optional("From", mail.from),
      ...optional("Subject", mail.subject),
      ...optional("Message-ID", mail.messageId),
      ...mailNotices(mail),
      ...optional("Set aside", mail.quarantine),
      ["Accepted", `${timeWithZone(mail.acceptedAt)}, ${ageOf(mail.acceptedAt, tool.now)} ago`],
      [
        "Client",
        `${client.ip}${name}, HELO ${client.helo}${client.tls === undefined ? "" : `, ${client.tls}`}`,
      ],
      ...authenticationRows(mail),
      ["Size", `${sizeInWords(mail.size)}${mail.hasBody ? "" : "; the body is gone"}`],
      ...optional("CRC-32", mail.crc32),
    ],
    tool.columns,
  );
}

/** What was found at receipt about who stands behind the mail. */
function authenticationRows({ authentication }: MailBody): (readonly [string, string])[] {
  if (authentication === undefined) return [];
  const { spf, dkim, dmarc, fromDomain, returnPath } = authentication;
  const signers = dkim?.map(({ domain, selector }) => `${domain} (${selector})`).join(", ");
  return [
    ...optional("SPF", spf && `${spf.result}, ${spf.identity === "helo" ? "HELO " : ""}${spf.domain}`),
    ...optional("DKIM", signers === "" ? "no signature verified" : signers && `pass, ${signers}`),
    ...optional(
      "DMARC",
      dmarc && `${dmarc.result}${dmarc.policy === undefined ? "" : `, policy ${dmarc.policy}`}`,
    ),
    ...optional("From domain", fromDomain),
    ["Return-path", returnPath ? "authenticated" : "not authenticated"],
  ];
}

function optional(name: string, value: string | undefined): (readonly [string, string])[] {
  return value === undefined ? [] : [[name, value]];
}

/** How one recipient stands, and what keeps it here. */
export function entryText(tool: Tool, entry: QueueEntryBody, obstacle?: string): string {
  const pairs: (readonly [string, string])[] = [
    ["Recipient", entry.recipient],
    ["State", `${stateOf(entry)}, since ${timeWithZone(entry.updatedAt)}`],
  ];
  if (entry.dueAt !== undefined) pairs.push(["Next attempt", nextAttempt(entry.dueAt, tool.now)]);
  if (obstacle !== undefined) pairs.push(["Waits for", obstacle]);
  if (entry.route !== undefined) pairs.push(["Rerouted to", entry.route]);
  if (entry.attempts > 0) pairs.push(["Attempts", String(entry.attempts)]);
  if (entry.unconfirmed > 0)
    pairs.push(["Replies lost", `${entry.unconfirmed}; the primary may have it twice`]);
  if (entry.destination !== undefined) pairs.push(["Primary", entry.destination]);
  if (entry.lastReply !== undefined) pairs.push(["Last reply", entry.lastReply]);
  pairs.push(...recipientNotices(entry));
  return facts(pairs, tool.columns);
}

function nextAttempt(dueAt: number, now: number): string {
  return dueAt <= now ? "due" : `in ${timeInWords(dueAt - now)}, ${timeWithZone(dueAt)}`;
}
