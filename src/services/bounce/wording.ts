/** The part for people: plain English that requires no knowledge of mail servers. */
import { mailDate } from "../../mail/received.ts";
import { printable } from "../../mail/reply.ts";
import type { OwedMail, OwedRecipient } from "../../ports/dsn.ts";
import { hasReply, isOwnRefusal, statusOf } from "./report.ts";

/** Characters of a line. */
const WIDTH = 72;
/** Recipients that are described one by one; the report lists all. */
const MOST = 50;
/** Maximum characters of a quoted reply, and of an address in the subject. */
const MAX_WORDS = 500;
const MAX_SUBJECT_NAME = 100;
const DAY = 86_400_000;
const HOUR = 3_600_000;

interface Circumstances {
  readonly hostname: string;
  readonly retention: number;
  readonly returned?: { readonly whole: boolean };
}

const SUBJECTS = {
  failed: "Not delivered",
  expired: "Not delivered",
  delayed: "Not yet delivered",
  relayed: "Passed on",
} as const;

export function dsnSubject(recipients: readonly OwedRecipient[]): string {
  const [first] = recipients;
  if (first === undefined) return "Your mail";
  const more = recipients.length - 1;
  const others = more === 0 ? "" : ` and ${more} other${more === 1 ? "" : "s"}`;
  return `${SUBJECTS[first.kind]}: your mail to ${printable(first.address).slice(0, MAX_SUBJECT_NAME)}${others}`;
}

const OPENINGS = {
  failed: "Your mail could not be delivered to:",
  expired: "Your mail could not be delivered to:",
  delayed: "Your mail has not been delivered yet to:",
  relayed: "As you requested, this confirms that your mail was passed on for:",
} as const;

export function dsnText(
  mail: OwedMail,
  recipients: readonly OwedRecipient[],
  circumstances: Circumstances,
): string {
  const { kind } = recipients[0] ?? { kind: "failed" };
  const domains = [...new Set(recipients.map(({ domain }) => domain))];
  const [domain = "others"] = domains;
  const whose =
    domains.length > 1
      ? `${domain} and other domains and passes it on to their own servers`
      : `${domain} and passes it on to that domain's own server`;
  const server = `This is the mail server ${circumstances.hostname}. It accepts mail for ${whose}.`;
  const told = recipients.slice(0, MOST).map((each) => recipientText(mail, each, circumstances));
  const rest = recipients.length - told.length;
  return [
    wrap(server),
    OPENINGS[kind],
    ...told,
    ...(rest > 0 ? [`  and ${rest} more, listed in the report below.`] : []),
    wrap(aboutMail(mail)),
    `What you can do\n${advice(recipients)
      .map((line) => wrap(line, "    ", "  - "))
      .join("\n")}`,
    wrap(ending(circumstances)),
    "",
  ].join("\n\n");
}

function recipientText(mail: OwedMail, recipient: OwedRecipient, circumstances: Circumstances): string {
  const words = printable(recipient.lastReply ?? "").slice(0, MAX_WORDS);
  const quoted = words === "" ? "" : `\n\n${wrap(words, "        ")}`;
  const isUnsure = recipient.unconfirmed === true && recipient.kind !== "relayed";
  const unsure = isUnsure ? `\n\n${wrap(UNSURE, "      ")}` : "";
  return `  ${printable(recipient.address)}\n\n${wrap(whatHappened(mail, recipient, circumstances), "      ")}${quoted}${unsure}`;
}

const UNSURE = "It may have been delivered nevertheless: the result of an attempt is unknown.";

function whatHappened(
  { acceptedAt }: OwedMail,
  { kind, domain, destination, lastReply, at, byOperator }: OwedRecipient,
  { hostname, retention }: Circumstances,
): string {
  const server = `the server of ${domain}${destination === undefined ? "" : ` (${destination})`}`;
  const Server = server.replace("the", "The");
  // The sentence does not claim that the server said this: after a broken connection the text is our own.
  const tried = lastReply === undefined ? "" : ` The last attempt at ${server} ended with:`;
  const unavailable = ` ${Server} has not been available.`;
  switch (kind) {
    case "failed":
      if (isOwnRefusal(lastReply)) return `${Server} cannot accept it, according to what it announces:`;
      return `${Server} refused it on ${mailDate(at)}${hasReply(lastReply) ? " with this reply" : ""}:`;
    case "expired":
      if (byOperator === true) return `The operators of ${hostname} gave it up on ${mailDate(at)}.${tried}`;
      return `It could not be delivered within ${span(at - acceptedAt)}.${tried || unavailable}`;
    case "delayed":
      return `It has been waiting since ${mailDate(at)} and delivery will be attempted until ${mailDate(at + retention)}.${tried || unavailable}`;
    case "relayed":
      return `${Server} accepted it on ${mailDate(at)}. That server sends no confirmations, so you will not be told whether your mail reached the mailbox. Its reply was:`;
  }
}

function aboutMail({ acceptedAt, messageId }: OwedMail): string {
  const name = messageId === undefined ? "" : ` Its Message-ID is ${printable(messageId)}.`;
  return `We received your mail on ${mailDate(acceptedAt)}.${name}`;
}

/** What the sender can do, derived from the status of each recipient; each advice appears once. */
function advice(recipients: readonly OwedRecipient[]): readonly string[] {
  const [first] = recipients;
  if (first?.kind === "delayed") return ["You do not need to do anything, and do not need to send it again."];
  if (first?.kind === "relayed") return ["You do not need to do anything."];
  const found = new Set(recipients.map(adviceFor));
  return [
    ...found,
    `If the cause remains unclear, send this notice to postmaster@${first?.domain ?? "the domain"}, or contact the recipient in another way.`,
  ];
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^[45]\.1\./, "Check the address for mistakes, then send your mail again."],
  [/^[45]\.2\.2$/, "The mailbox is full: send your mail again later, or tell the recipient."],
  [
    /^5\.(?:2\.3|3\.4)$/,
    "Your mail is too large for that server: make it smaller, or share large files in another way.",
  ],
  [
    /^5\.6\.7$/,
    "That server does not accept addresses with non-English letters: use an address without them, if there is one.",
  ],
  [
    /^5\.7\./,
    "The rules of that server do not allow this mail: contact the recipient in another way, and ask whether it can be let through.",
  ],
  [/^4\.4\.7$/, "Send your mail again if it still matters."],
];

function adviceFor(recipient: OwedRecipient): string {
  const status = statusOf(recipient);
  const known = ADVICE.find(([pattern]) => pattern.test(status));
  return known?.[1] ?? "The text above says what went wrong. If you can correct that, send your mail again.";
}

function ending({ returned }: Circumstances): string {
  const unread = "Replies to this notice are not read.";
  if (returned === undefined)
    return `A machine-readable report follows. Your mail itself is no longer stored here. ${unread}`;
  const what = returned.whole ? "your mail" : "the header of your mail";
  return `A machine-readable report and ${what} follow. ${unread}`;
}

/** `30 days`, `5 hours`. */
function span(milliseconds: number): string {
  const [unit, name] = milliseconds >= 2 * DAY ? [DAY, "day"] : [HOUR, "hour"];
  const count = Math.max(1, Math.round(milliseconds / Number(unit)));
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}

/** Wraps text at WIDTH; a word that is longer than a line gets a line of its own. */
function wrap(text: string, indent = "", first = indent): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((each, i) => `${i === 0 ? first : indent}${each}`).join("\n");
}
