/**
 * The trace: what happened to each mail. It keeps the journal's raw events about mail; sentences are made from them when
 * somebody asks.
 */
import type { ClientEvent, JournalEvent, MailEvent, NoticeEvent, OperatorEvent } from "./journal.ts";

/** An event that the trace keeps. */
export type TracedEvent =
  | MailEvent
  | NoticeEvent
  | ClientEvent
  | Extract<OperatorEvent, { kind: "operator.acted" }>;

export interface Traced {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: TracedEvent;
}

/** Stores events. Best effort: the trace is reduced first when the disk runs short. Nothing here throws. */
export interface TraceWriter {
  /** Takes an event, which is stored with the next `write`; `keys` come from `traceKeys`. */
  add(traced: Traced, keys: readonly string[]): void;
  /** Resolves as soon as the disk answers; a `write` before that would block the thread. */
  diskAnswers(): Promise<void>;
  /** Stores the events that were added. Returns how many of them were lost. */
  write(): number;
  /** Deletes events older than `before` or beyond `maxBytes`, in one bounded slice. Returns how many were deleted. */
  trim(before: number, maxBytes: number): number;
  close(): void;
}

export interface TraceRequest {
  /** Mails' ids, addresses (of senders or recipients) and Message-IDs; events about any of them are returned. */
  readonly about: readonly string[];
  /** At most this many events: the newest. */
  readonly limit: number;
}

/** Reads the stored events, the oldest first. */
export interface TraceStore {
  trace(request: TraceRequest): Promise<readonly Traced[]>;
}

/** An event in words. */
export interface TraceLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The mail's id, or `NO_MAIL`. */
  readonly id: string;
  /** The event's kind. */
  readonly kind: string;
  /** One sentence for people. */
  readonly text: string;
  /** What each check found: a list of `CheckNote` as JSON. */
  readonly checks?: string;
}

/** Replaces the id if an event concerns no mail. */
export const NO_MAIL = "-";

/** Reads the trace as sentences, the oldest first. */
export interface TraceReader {
  trace(request: TraceRequest): Promise<readonly TraceLine[]>;
}

/** Returns an event's search keys in lower case: ids, addresses, Message-IDs. Undefined: it is not traced. */
export function traceKeys(event: JournalEvent): readonly string[] | undefined {
  switch (event.kind) {
    case "mail.accepted":
      return lowered([event.id, event.sender, bare(event.messageId), ...event.recipients]);
    case "mail.delivered":
    case "mail.deferred":
    case "mail.parked":
    case "mail.held":
    case "mail.unconfirmed":
      return lowered([event.id, event.recipient]);
    case "notice.written":
    case "notice.withheld":
      return lowered([event.id, event.sender, ...event.recipients]);
    case "notice.sent":
    case "notice.deferred":
    case "notice.dropped":
      return lowered([event.id, event.to]);
    case "client.refused":
      return lowered([event.sender, event.recipient]);
    case "operator.acted":
      return lowered([event.id, ...(event.addresses ?? [])]);
    default:
      return undefined;
  }
}

/** A Message-ID without its brackets. */
function bare(messageId: string | undefined): string | undefined {
  return messageId?.startsWith("<") && messageId.endsWith(">") ? messageId.slice(1, -1) : messageId;
}

function lowered(texts: readonly (string | undefined)[]): readonly string[] | undefined {
  const keys: string[] = [];
  for (const text of texts) if (text !== undefined && text !== "") keys.push(text.toLowerCase());
  return keys.length === 0 ? undefined : keys;
}
