/**
 * Decides whether a sender is notified of what became of a mail, and writes the notice: pure functions.
 *
 * A DSN goes only to a return path that was itself authenticated when the mail was received, so that nobody gets
 * notices about mail that was forged in their name (backscatter). It never goes to the null sender, to lists or to
 * automatic senders, never if the sender did not request it (RFC 3461 NOTIFY), and only a bounded number of times a day
 * to one address. Otherwise the result is a reason for sending none, which operators see, and the mail stays parked for
 * them. Failure, delay and success pass the same gate (gate.ts).
 *
 * A DSN (RFC 3464, RFC 6533) has a report for machines (report.ts) and a text for people (wording.ts) that says what
 * happened, which server said so, when, and what can be done.
 *
 * Invariants: a DSN has the null sender, so none is ever sent about a DSN; texts of strangers (replies, ORCPT, ENVID,
 * HELO) are printable and bounded before they get here or are made so here; nothing here does I/O.
 */
import type { DsnDraft, OwedMail, OwedRecipient } from "../../ports/dsn.ts";
import { needsSmtpUtf8 } from "../../mail/address.ts";
import { actionOf, perMessage, perRecipient } from "./report.ts";
import { dsnSubject, dsnText } from "./wording.ts";

export { judge } from "./gate.ts";
export type { BounceRules, Silence } from "./gate.ts";

/** What a DSN says in addition to the facts of the mail. */
interface DsnContext {
  readonly hostname: string;
  /** The DSN's id. */
  readonly id: string;
  readonly now: number;
  /** How long mail waits, in ms: for DSNs of delay. */
  readonly retention: number;
  /** The mail as it is returned; absent if it is no longer stored. */
  readonly returned?: { readonly whole: boolean; readonly content: Buffer };
}

/** Groups the recipients of one mail, one group for each DSN: success, failure and delay are never in the same DSN. */
export function groupByDsn(recipients: readonly OwedRecipient[]): readonly (readonly OwedRecipient[])[] {
  return [...Map.groupBy(recipients, actionOf).values()];
}

/** Writes the DSN about these recipients, which groupByDsn put together; at least one. */
export function draftDsn(
  mail: OwedMail,
  recipients: readonly OwedRecipient[],
  context: DsnContext,
): DsnDraft {
  const { hostname, id, now, returned } = context;
  const utf8 = needsSmtpUtf8(mail.sender);
  const inReplyTo = messageIdOf(mail);
  return {
    hostname,
    messageId: `<${id}@${hostname}>`,
    date: now,
    to: mail.sender,
    subject: dsnSubject(recipients),
    ...(inReplyTo !== undefined && { inReplyTo }),
    text: dsnText(mail, recipients, context),
    perMessage: perMessage(mail, { hostname, utf8 }),
    perRecipient: recipients.map((each) => perRecipient(each, { utf8, retention: context.retention })),
    utf8,
    ...(returned !== undefined && { returned: { ...returned, utf8: mail.smtpUtf8 } }),
  };
}

/** The Message-ID for In-Reply-To (RFC 5322 §3.6.4). Undefined if the mail's own is malformed: it is not repeated. */
function messageIdOf({ messageId }: OwedMail): string | undefined {
  return /^<[!-;=?-~]{1,250}>$/.test(messageId ?? "") ? messageId : undefined;
}
