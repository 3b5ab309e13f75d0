/** Quarantined mail: show, release, delete; and senders who are exempt from quarantine. */
import type {
  AllowedSenderBody,
  AllowedSenderList,
  CountBody,
  MailBody,
  QueuePage,
} from "../endpoints/admin/contract.ts";
import { counted } from "../runtime/quantities.ts";
import { FAILED, OK, WrongUse, type Command, type Input, type Option, type Tool } from "./command.ts";
import { collect, moreText, PAGING } from "./pages.ts";
import { tellActed } from "./queue-act.ts";
import { FILTERS, filterOf, refuseForeign, selectionOf } from "./queue-filter.ts";
import { mailText } from "./queue-look.ts";
import { Refused } from "./daemon.ts";
import { ageOf, plain, timeWithZone } from "./terminal.ts";

/** Filters of these verbs; state and reason are fixed. */
const NARROWING: readonly Option[] = FILTERS.filter(({ name }) => name !== "state" && name !== "reason");
const QUARANTINED = { state: "held", reason: "quarantine" } as const;

export const quarantineList: Command = {
  words: "",
  summary: "Lists quarantined mail, oldest first.",
  options: [...NARROWING, ...PAGING],
  example: "holdfast quarantine list --domain example.com",
  async run(tool, input) {
    const query = { ...filterOf(input), ...QUARANTINED };
    const page = await collect<QueuePage>(tool, input, { path: "/v1/queue", query });
    if (page.items.length === 0) await refuseForeign(tool, input);
    tool.print(page, () => (page.items.length === 0 ? "The quarantine is empty.\n" : listText(tool, page)));
    return OK;
  },
};

function listText(tool: Tool, page: QueuePage): string {
  const columns = [
    { title: "ID" },
    { title: "RECIPIENT", least: 14 },
    { title: "SENDER", least: 12 },
    { title: "AGE", right: true },
    { title: "WHY", least: 12 },
  ];
  const rows = page.items.map((entry) => [
    entry.id,
    entry.recipient,
    entry.sender === "" ? "<>" : entry.sender,
    ageOf(entry.acceptedAt, tool.now),
    entry.quarantine ?? "",
  ]);
  return tool.table(columns, rows) + moreText(page);
}

export const quarantineShow: Command = {
  words: "ID",
  summary: "Shows why a mail was quarantined; `queue export ID` prints the mail itself.",
  options: [],
  example: "holdfast quarantine show 01k9zq3v5x0abcde",
  async run(tool, input) {
    const path = `/v1/queue/${encodeURIComponent(input.word(0))}`;
    const mail = await tool.daemon.ask<MailBody>({ path });
    const held = mail.recipients.filter(({ state, reason }) => state === "held" && reason === "quarantine");
    if (held.length === 0) {
      tool.complain(`${mail.id} is not in quarantine; holdfast queue show ${mail.id} tells where it is`);
      return FAILED;
    }
    const waits = held.map(({ recipient }) => `for ${plain(recipient)}\n`).join("");
    tool.print(mail, () => `${mailText(tool, mail)}\nIn quarantine\n${waits}`);
    return OK;
  },
};

function act(verb: "release" | "delete", summary: string, done: string): Command {
  return {
    words: "[ID]",
    summary,
    options: [...NARROWING, { name: "all", help: "everything in quarantine" }],
    example: `holdfast quarantine ${verb} 01k9zq3v5x0abcde`,
    async run(tool, input) {
      const { count } = await move(tool, verb, selectionOf(verb, input));
      const none = `nothing to ${verb}: no mail in quarantine has the id ${input.word(0)}`;
      return tellActed(tool, input, count, { done, none });
    },
  };
}

export const quarantineRelease = act(
  "release",
  "Releases mail to its primary, with the header fields that the checks added.",
  "released, due at once.",
);
export const quarantineDelete = act("delete", "Deletes mail, with a ledger entry.", "deleted.");

function move(tool: Tool, verb: "release" | "delete", filter: Record<string, string>): Promise<CountBody> {
  const json = { verb, filter: { ...filter, ...QUARANTINED } };
  return tool.daemon.ask<CountBody>({ method: "POST", path: "/v1/queue/actions", json });
}

const FOR_DOMAIN: Option = { name: "domain", value: "DOMAIN", help: "only for recipients of this domain" };

export const senderAllow: Command = {
  words: "SENDER",
  summary:
    "Exempts a sender (an address, or @example.com) from spam scanning. Viruses are refused all the same, because a return path may be forged.",
  options: [FOR_DOMAIN, { name: "release", help: "also release this sender's quarantined mail" }],
  example: "holdfast quarantine sender-allow news@sender.example --release",
  async run(tool, input) {
    const json = target(input);
    if (input.flag("release") && json.sender.startsWith("@"))
      throw new WrongUse("--release needs an address, not a whole domain");
    const path = "/v1/quarantine/senders";
    const allowing = tool.daemon.ask<AllowedSenderBody>({ method: "POST", path, json });
    if (!input.flag("release")) {
      const allowed = await allowing;
      tool.print({ ...allowed, released: 0 }, () => `${plain(allowed.sender)} is allowed.\n`);
      return OK;
    }
    const allowed = await allowing.catch(unlessAllowed);
    const filter = { sender: json.sender, ...(json.domain !== undefined && { domain: json.domain }) };
    const { count } = await move(tool, "release", filter);
    const now = allowed === undefined ? "was allowed already" : "is allowed";
    const released = count === 0 ? "nothing to release" : `${counted(count, "recipient")} released`;
    tool.print(
      { ...json, ...allowed, released: count },
      () => `${plain(json.sender)} ${now}; ${released}.\n`,
    );
    return OK;
  },
};

/** If the sender is already allowed, the quarantined mail is released all the same. */
function unlessAllowed(error: unknown): undefined {
  if (!(error instanceof Refused) || error.status !== 409) throw error;
}

export const senderForget: Command = {
  words: "SENDER",
  summary: "Checks mail of a sender for spam again.",
  options: [FOR_DOMAIN],
  example: "holdfast quarantine sender-forget news@sender.example",
  async run(tool, input) {
    const query = target(input);
    await tool.daemon.ask({ method: "DELETE", path: "/v1/quarantine/senders", query });
    tool.print({ forgotten: query.sender }, () => `${plain(query.sender)} is judged like everybody else.\n`);
    return OK;
  },
};

function target(input: Input): { sender: string; domain?: string } {
  const domain = input.text("domain");
  return { sender: input.word(0), ...(domain !== undefined && { domain }) };
}

export const senderList: Command = {
  words: "",
  summary: "Lists the senders whose mail is exempt from spam scanning.",
  options: [],
  example: "holdfast quarantine senders",
  async run(tool) {
    const list = await tool.daemon.ask<AllowedSenderList>({ path: "/v1/quarantine/senders" });
    const rows = list.items.map(({ sender, domain, at, who }) => [
      sender,
      domain ?? "all",
      timeWithZone(at),
      who,
    ]);
    const columns = [
      { title: "SENDER", least: 14 },
      { title: "FOR", least: 8 },
      { title: "SINCE" },
      { title: "BY" },
    ];
    tool.print(list, () => (rows.length === 0 ? "No sender is spared.\n" : tool.table(columns, rows)));
    return OK;
  },
};
