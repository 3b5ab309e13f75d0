import { formatReply, type Reply } from "../../mail/reply.ts";
import type { JournalEvent } from "../../ports/journal.ts";
import type { Fields, LogLevel } from "../../runtime/log.ts";
import { factsJson, membersJson } from "./plain.ts";

const LEVELS: Readonly<Partial<Record<JournalEvent["kind"], LogLevel>>> = {
  "mail.parked": "warn",
  "mail.unconfirmed": "warn",
  "primary.down": "warn",
  "primary.slow": "warn",
  "primary.loop": "error",
  "primary.weakened": "warn",
  "probation.stopped": "warn",
  "queue.oldest": "warn",
  "quota.reached": "warn",
  "queue.expiring": "warn",
  "queue.expired": "warn",
  "clock.set": "warn",
  "queue.deleted": "warn",
  "quarantine.unread": "warn",
  "parked.unread": "warn",
  "config.refused": "error",
  "recipient.asked": "debug",
  "recipients.stuck": "warn",
  "primary.acceptAll": "warn",
  "certificate.stuck": "error",
  "blocklist.sick": "warn",
  "blocklist.listsUs": "error",
  "scanner.away": "warn",
  "thread.silent": "error",
};

/** Returns the log level of an event; events that cause an alert about a problem are `warn` or `error`. */
export function levelOf(event: JournalEvent): LogLevel {
  if (event.kind === "store.checked") return event.findings.length === 0 ? "info" : "error";
  if (event.kind === "store.condition") return event.condition === "ok" ? "info" : "error";
  if (event.kind === "config.reloaded")
    return event.warnings?.length || event.restart?.length ? "warn" : "info";
  if (event.kind === "mail.held") return event.reason === "quarantine" ? "info" : "warn";
  if (event.kind === "notice.withheld") return event.operators ? "warn" : "info";
  if (event.kind === "scanner.judged") return event.result === "clean" ? "debug" : "info";
  return LEVELS[event.kind] ?? "info";
}

/** Returns the event's fields for the log, as JSON without braces. Replies become one text. */
export function membersOf(event: JournalEvent): string {
  if (event.kind === "mail.accepted") {
    // The results of checks are only in the trace.
    const { kind: _kind, checks: _checks, ...fields } = event;
    return factsJson(fields);
  }
  const { kind: _kind, ...fields } = event;
  return factsJson(fieldsOfReply(fields));
}

/** Names, as JSON, that every line has. A field of the same name is left out. */
const HEAD: ReadonlySet<string> = new Set(['"level"', '"time"', '"event"']);

/** Returns the fields of a log line that is not an event. */
export function membersOfFields(fields: Fields): string {
  return membersJson(fields, 0, HEAD);
}

function fieldsOfReply(fields: Fields & { readonly reply?: Reply }): Fields {
  if ("reply" in fields && fields.reply !== undefined) return { ...fields, reply: formatReply(fields.reply) };
  return fields;
}
