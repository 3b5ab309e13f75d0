/** Trace lines: one sentence for each step of a mail, collected and appended in batches. */
import { formatReply } from "../../mail/reply.ts";
import {
  NO_MAIL,
  type ClientEvent,
  type JournalEvent,
  type MailEvent,
  type NoticeEvent,
  type TraceLine,
  type TraceWriter,
} from "../../ports/journal.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { sizeInWords, timeInWords } from "../../runtime/quantities.ts";
import { noticeText } from "./notice-lines.ts";
import { plainText } from "./plain.ts";

/** Recipients under which a line about several can be found. */
const MOST_KEYS = 20;
const BATCH = 500;
const APPEND_EVERY = 100;
/** Lines that wait for their writer; beyond it the oldest give way. */
const MAX_WAITING = 20_000;
/** Refused clients traced in one second: a stranger must not push out what happened to mail. */
const REFUSALS = 20;

type RecipientEvent = Exclude<MailEvent, { kind: "mail.accepted" }>;
type AcceptedEvent = Extract<MailEvent, { kind: "mail.accepted" }>;

/** The line that an event leaves in the trace, if it is about a mail. */
export function traceLine(event: JournalEvent, at: number): TraceLine | undefined {
  switch (event.kind) {
    case "mail.accepted":
      return line(
        { id: event.id, at, kind: event.kind, text: acceptedText(event), ...checksOf(event) },
        keysOf(event),
      );
    case "mail.delivered":
    case "mail.deferred":
    case "mail.parked":
    case "mail.held":
    case "mail.unconfirmed":
      return line({ id: event.id, at, kind: event.kind, text: recipientText(event, at) }, [event.recipient]);
    case "client.refused":
      return refusal(event, at);
    case "notice.written":
    case "notice.withheld":
    case "notice.sent":
    case "notice.deferred":
    case "notice.dropped":
      return line({ id: event.id, at, kind: event.kind, text: noticeText(event, at) }, noticeKeys(event));
    case "operator.acted":
      if (event.id === undefined) return undefined;
      return line(
        { id: event.id, at, kind: event.kind, text: `${event.verb}, asked for by ${event.who}` },
        [],
      );
    default:
      return undefined;
  }
}

function noticeKeys(event: NoticeEvent): readonly string[] {
  return "to" in event ? [event.to] : [event.sender, ...event.recipients.slice(0, MOST_KEYS)];
}

function line(facts: TraceLine, keys: readonly string[]): TraceLine {
  const sound = keys.filter((key) => key !== "").map((key) => key.toLowerCase());
  return { ...facts, text: plainText(facts.text), ...(sound.length > 0 && { keys: sound }) };
}

function keysOf({ sender, recipients, messageId = "" }: AcceptedEvent): readonly string[] {
  return [sender, ...recipients, messageId.replace(/^<(.*)>$/, "$1")];
}

function checksOf({ checks }: { readonly checks?: string }): Pick<TraceLine, "checks"> {
  return checks === undefined ? {} : { checks };
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
  const double = event.maybeDouble === true ? "; may be a double, a reply was lost before" : "";
  return `${event.recipient} ${what}${where}${age}${words && `: ${words}`}${next}${double}`;
}

/** No mail came of it, so it has no id; it is found by sender and recipient. */
function refusal(event: ClientEvent, at: number): TraceLine | undefined {
  const { sender = "", recipient = "", stage, ip } = event;
  if (sender === "" && recipient === "") return undefined;
  const who = `client ${ip}, from <${sender}>${recipient && ` to ${recipient}`}`;
  const text = `refused at ${stage.toUpperCase()}: ${formatReply(event.reply)}; ${who}`;
  return line({ id: NO_MAIL, at, kind: event.kind, text, ...checksOf(event) }, [sender, recipient]);
}

/** Collects lines and appends them 500 at a time, or after 100 ms. */
export class TraceBuffer {
  readonly #clock: Clock;
  #writer: TraceWriter | undefined;
  #lines: TraceLine[] = [];
  #timer: Timer | undefined;
  #second = 0;
  #refusals = 0;
  #dropped = 0;

  constructor(clock: Clock, writer: TraceWriter | undefined) {
    this.#clock = clock;
    this.#writer = writer;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Lines that were collected before go to this writer, too. */
  writeTo(writer: TraceWriter): void {
    this.#writer = writer;
    this.flush();
  }

  add(event: JournalEvent, at: number): void {
    const found = traceLine(event, at);
    if (found === undefined || (event.kind === "client.refused" && this.#tooMany(at))) return;
    this.#lines.push(found);
    if (this.#lines.length >= BATCH) this.flush();
    else this.#timer ??= this.#clock.after(APPEND_EVERY, () => this.flush());
  }

  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#writer === undefined) return this.#shed();
    const lines = this.#lines;
    this.#lines = [];
    for (let i = 0; i < lines.length; i += BATCH) this.#append(lines.slice(i, i + BATCH));
  }

  #append(lines: readonly TraceLine[]): void {
    try {
      this.#writer?.append(lines);
    } catch {
      this.#dropped += lines.length;
    }
  }

  #shed(): void {
    const surplus = this.#lines.length - MAX_WAITING;
    if (surplus <= 0) return;
    this.#lines.splice(0, surplus);
    this.#dropped += surplus;
  }

  #tooMany(at: number): boolean {
    const second = Math.floor(at / 1000);
    if (second !== this.#second) this.#refusals = 0;
    this.#second = second;
    this.#refusals += 1;
    return this.#refusals > REFUSALS;
  }
}
