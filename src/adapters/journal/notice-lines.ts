/** Describes notices to senders for the trace. */
import { formatReply } from "../../mail/reply.ts";
import type { DsnKind } from "../../ports/dsn.ts";
import type { NoticeEvent } from "../../ports/journal.ts";
import { timeInWords } from "../../runtime/quantities.ts";

const ABOUT: Readonly<Record<DsnKind, string>> = {
  failed: "of the refusal",
  expired: "of the expiry",
  delayed: "of the delay",
  relayed: "of the handover to the primary",
};

export function noticeText(event: NoticeEvent, at: number): string {
  switch (event.kind) {
    case "notice.written":
      return `<${event.sender}> is notified ${ABOUT[event.about]} for ${whom(event.recipients)}: notice ${event.notice}`;
    case "notice.withheld":
      return `<${event.sender}> is not notified ${ABOUT[event.about]} for ${whom(event.recipients)}: ${event.why}`;
    default: {
      const where = event.destination === undefined ? "" : ` at ${event.destination}`;
      const words = [event.why, event.reply && formatReply(event.reply)].filter(Boolean).join(", ");
      const next = event.dueAt === undefined ? "" : `; next attempt in ${timeInWords(event.dueAt - at)}`;
      return `notice to ${event.to} ${event.kind.slice("notice.".length)}${where}${words && `: ${words}`}${next}`;
    }
  }
}

function whom(recipients: readonly string[]): string {
  return recipients.length === 1 ? `${recipients[0]}` : `${recipients.length} recipients`;
}
