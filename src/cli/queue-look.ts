/** Showing the queue: list, show. */
import {
  SOCKET_CALLER,
  type MailBody,
  type QueueEntryBody,
  type QueuePage,
} from "../endpoints/admin/contract.ts";
import { sizeInWords, timeInWords } from "../runtime/quantities.ts";
import { OK, type Command, type Input, type Tool } from "./command.ts";
import { mailNotices, recipientNotices } from "./notices.ts";
import { obstaclesOf } from "./obstacles.ts";
import { collect, moreText, PAGING } from "./pages.ts";
import { FILTERS, filterOf, refuseForeign } from "./queue-filter.ts";
import { ageOf, fact, facts, timeWithZone, type Column, type Fact } from "./terminal.ts";

export const queueList: Command = {
  words: "",
  summary: "Lists recipients in the queue, oldest first.",
  options: [
    ...FILTERS,
    ...PAGING,
    { name: "ledger", help: "also recipients that are gone: delivered, deleted, expired" },
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

/** Describes a mail as a whole. */
export function mailText(tool: Tool, mail: MailBody): string {
  const { client } = mail;
  const name = client.name === undefined ? "" : ` (${client.name})`;
  return facts(
    [
      ["Mail", mail.id],
      ["Sender", `<${mail.sender}>`],
      ...fact("From", mail.from),
      ...fact("Subject", mail.subject),
      ...fact("Message-ID", mail.messageId),
      ...mailNotices(mail),
      ...fact("Quarantined", mail.quarantine),
      ["Accepted", `${timeWithZone(mail.acceptedAt)}, ${ageOf(mail.acceptedAt, tool.now)} ago`],
      [
        "Client",
        `${client.ip}${name}, HELO ${client.helo}${client.tls === undefined ? "" : `, ${client.tls}`}`,
      ],
      ...authenticationFacts(mail),
      ["Size", `${sizeInWords(mail.size)}${mail.hasBody ? "" : "; the body is gone"}`],
      ...fact("CRC-32", mail.crc32),
    ],
    tool.columns,
  );
}

/** Describes what was found at receipt about the author of the mail. */
function authenticationFacts({ authentication }: MailBody): readonly Fact[] {
  if (authentication === undefined) return [];
  const { spf, dkim, dmarc, fromDomain, returnPath } = authentication;
  const signers = dkim?.map(({ domain, selector }) => `${domain} (${selector})`).join(", ");
  return [
    ...fact("SPF", spf && `${spf.result}, ${spf.identity === "helo" ? "HELO " : ""}${spf.domain}`),
    ...fact("DKIM", signers === "" ? "no signature verified" : signers && `pass, ${signers}`),
    ...fact(
      "DMARC",
      dmarc && `${dmarc.result}${dmarc.policy === undefined ? "" : `, policy ${dmarc.policy}`}`,
    ),
    ...fact("From domain", fromDomain),
    ["Return path", returnPath ? "authenticated" : "not authenticated"],
  ];
}

/** Describes the state of one recipient, and what keeps it here. */
export function entryText(tool: Tool, entry: QueueEntryBody, obstacle?: string): string {
  const { dueAt, attempts, unconfirmed } = entry;
  return facts(
    [
      ["Recipient", entry.recipient],
      ["State", `${stateOf(entry)}, since ${timeWithZone(entry.updatedAt)}`],
      ...fact("By", whoSetAside(entry)),
      ...fact("Next attempt", dueAt === undefined ? undefined : nextAttempt(dueAt, tool.now)),
      ...fact("Waits for", obstacle),
      ...fact("Rerouted to", entry.route),
      ...fact("Attempts", attempts > 0 ? String(attempts) : undefined),
      ...fact(
        "Replies lost",
        unconfirmed > 0 ? `${unconfirmed}; the primary may have duplicates` : undefined,
      ),
      ...fact("Primary", entry.destination),
      ...fact("Last reply", entry.lastReply),
      ...recipientNotices(entry),
    ],
    tool.columns,
  );
}

/** Says who set the mail aside. After a release, that no longer matters. */
function whoSetAside({ reason, who }: QueueEntryBody): string | undefined {
  if (who === undefined || (reason !== "operator" && reason !== "deleted")) return undefined;
  return who === SOCKET_CALLER ? "somebody on this machine" : `the token ${who}`;
}

function nextAttempt(dueAt: number, now: number): string {
  return dueAt <= now ? "due" : `in ${timeInWords(dueAt - now)}, ${timeWithZone(dueAt)}`;
}
