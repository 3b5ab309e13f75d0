/**
 * The queue as the rest of Holdfast uses it. The SMTP threads accept mail and the delivery thread delivers it; both use
 * this room, so that one place decides what may happen to mail. The table of states and legal moves is in
 * ports/recipient-state.ts.
 *
 * Invariants: a 250 is answered only after `accept` resolved to `accepted`, and that is after the flush; a
 * recipient is settled only with the token that claimed it.
 */
import type { Accepted, BodyWriter, Intake, NewMail } from "../../ports/intake.ts";
import type { StoreCondition } from "../../ports/store-condition.ts";
import type { Journal } from "../../ports/journal.ts";
import type { Clock } from "../../runtime/clock.ts";

export { AgeWatch, type Aging } from "./age-watch.ts";
export { UnreadWatch } from "./unread-watch.ts";
export { QuotaWatch } from "./quota-watch.ts";
export { expiryJob } from "./expiry.ts";
export type { Retention } from "./expiry.ts";
export { settleDsn } from "./dsn-settlement.ts";
export { settle } from "./settlement.ts";

/** Ms within which the store must begin its transaction; after that the client gets a 4xx. */
const ACCEPT_DEADLINE = 20_000;

interface AcceptorParts {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly nextId: () => string;
}

/** A mail that passed all checks and whose body is complete. */
export interface Acceptance {
  readonly mail: Omit<NewMail, "acceptedAt" | "deadline">;
  /** Remarks for the trace. */
  readonly notes?: readonly string[];
  /** The checks that ran, for the journal. */
  readonly checks?: string;
  /** Wall time in ms by which the store must have begun, because its sender waits no longer. */
  readonly until?: number;
}

/** The accepting half of the queue. */
export class Acceptor {
  readonly #parts: AcceptorParts;

  constructor(parts: AcceptorParts) {
    this.#parts = parts;
  }

  /** Returns the id for a new mail, when DATA begins, because the Received field contains it. */
  nextId(): string {
    return this.#parts.nextId();
  }

  condition(): StoreCondition {
    return this.#parts.intake.condition();
  }

  /** Bytes that can still be stored without using the reserve. */
  room(): number {
    return this.#parts.intake.room();
  }

  openBody(): BodyWriter {
    return this.#parts.intake.openBody();
  }

  /** Stores the mail durably. Only a result of `accepted` may become a 250. */
  async accept(acceptance: Acceptance, body: BodyWriter): Promise<Accepted> {
    const { mail, until = Infinity } = acceptance;
    const now = this.#parts.clock.now();
    const deadline = Math.min(now + ACCEPT_DEADLINE, until);
    const result = await this.#parts.intake.accept({ ...mail, acceptedAt: now, deadline }, body);
    if (result.kind === "accepted") this.#record(acceptance, body.size);
    return result;
  }

  #record({ mail, notes, checks }: Acceptance, size: number): void {
    this.#parts.journal.record({
      kind: "mail.accepted",
      id: mail.id,
      sender: mail.sender,
      recipients: mail.recipients.map((recipient) => recipient.address),
      ip: mail.client.ip,
      helo: mail.client.helo,
      size,
      ...(mail.messageId !== undefined && { messageId: mail.messageId }),
      ...(notes !== undefined && notes.length > 0 && { notes }),
      ...(mail.quarantine !== undefined && { quarantine: mail.quarantine }),
      ...(checks !== undefined && { checks }),
    });
    if (mail.quarantine !== undefined) this.#recordHeld(mail, mail.quarantine);
  }

  #recordHeld({ id, recipients }: Acceptance["mail"], why: string): void {
    for (const { address, domain } of recipients)
      this.#parts.journal.record({
        kind: "mail.held",
        id,
        recipient: address,
        domain,
        reason: "quarantine",
        why: `quarantine: ${why}`,
      });
  }
}
