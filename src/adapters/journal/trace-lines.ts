/** Turns trace entries into sentences, one for each step of a mail. */
import { formatReply } from "../../mail/reply.ts";
import { SOCKET_CALLER, type ClientEvent, type MailEvent } from "../../ports/journal.ts";
import { NO_MAIL, type Traced, type TracedEvent, type TraceLine } from "../../ports/trace.ts";
import { counted, sizeInWords, timeInWords } from "../../runtime/quantities.ts";
import { noticeText } from "./notice-lines.ts";
import { plainText } from "./plain.ts";

type AcceptedEvent = Extract<MailEvent, { kind: "mail.accepted" }>;
type RecipientEvent = Exclude<MailEvent, AcceptedEvent>;

/** Describes an event; the text is safe to print, whatever a stranger put into it. */
export function traceLine({ at, event }: Traced): TraceLine {
  const { kind } = event;
  const id = "id" in event ? event.id : undefined;
  const checks = "checks" in event ? event.checks : undefined;
  const text = plainText(textOf(event, at));
  return { at, id: id ?? NO_MAIL, kind, text, ...(checks !== undefined && { checks }) };
}

function textOf(event: TracedEvent, at: number): string {
  switch (event.kind) {
    case "mail.accepted":
      return acceptedText(event);
    case "client.refused":
      return refusalText(event);
    case "operator.acted":
      return actText(event);
    case "notice.written":
    case "notice.withheld":
    case "notice.sent":
    case "notice.deferred":
    case "notice.dropped":
      return noticeText(event, at);
    default:
      return recipientText(event, at);
  }
}

type Act = Extract<TracedEvent, { kind: "operator.acted" }>;

function actText({ verb, who, what, count, id }: Act): string {
  const by = who === SOCKET_CALLER ? "on this machine" : `with the token ${who}`;
  // The id is shown beside the line already.
  const [, more = ""] = /^id \S+?(?:,? (.+))?$/.exec(what) ?? [];
  const about = id === undefined ? `${what}: ${counted(count, "recipient")}` : more;
  return `${verb}${about && ` (${about})`}, requested ${by}`;
}

function acceptedText(event: AcceptedEvent): string {
  const count = event.recipients.length;
  const whom = count === 1 ? event.recipients[0] : `${count} recipients`;
  const notes = event.notes === undefined ? "" : `; ${event.notes.join("; ")}`;
  return `accepted from <${event.sender}> for ${whom}, ${sizeInWords(event.size)}, client ${event.ip} (${event.helo})${notes}`;
}

function recipientText(event: RecipientEvent, at: number): string {
  const what = event.kind.slice("mail.".length);
  const where =
    event.destination === undefined
      ? ""
      : ` ${event.kind === "mail.delivered" ? "to" : "at"} ${event.destination}`;
  const age = event.age === undefined ? "" : ` after ${timeInWords(event.age)}`;
  const words = [event.why, event.reply && formatReply(event.reply)].filter(Boolean).join(", ");
  const next = event.dueAt === undefined ? "" : `; next attempt in ${timeInWords(event.dueAt - at)}`;
  const double =
    event.maybeDouble === true ? "; possibly a duplicate, because an earlier reply was lost" : "";
  return `${event.recipient} ${what}${where}${age}${words && `: ${words}`}${next}${double}`;
}

function refusalText({ sender = "", recipient = "", stage, reply, ip }: ClientEvent): string {
  const who = `client ${ip}, from <${sender}>${recipient && ` to ${recipient}`}`;
  return `refused at ${stage.toUpperCase()}: ${formatReply(reply)}; ${who}`;
}
