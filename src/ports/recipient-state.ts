/**
 * One mail has one body and one or more recipients; each recipient has a state of its own:
 *
 *   waiting      due at `dueAt`
 *   claimed      in a conversation with a primary, or about to be; the claim is durable before the first octet is sent
 *   unconfirmed  the body was sent completely and no reply came, or the process died during the claim: maybe delivered
 *   held         set aside: by an operator, by probation, in quarantine; nothing happens until it is released
 *   parked       permanently refused, expired or given up by an operator; kept for them
 *   gone         delivered, deleted or expired; the row stays as the ledger, the body goes with the last recipient
 *
 * LEGAL_MOVES is the complete table of moves; the schema and the tests use it too. A body exists as long as any
 * recipient is not gone.
 */
export type RecipientState = "waiting" | "claimed" | "unconfirmed" | "held" | "parked" | "gone";

export const RECIPIENT_STATES: readonly RecipientState[] = [
  "waiting",
  "claimed",
  "unconfirmed",
  "held",
  "parked",
  "gone",
];

export const LEGAL_MOVES: Readonly<Record<RecipientState, readonly RecipientState[]>> = {
  waiting: ["claimed", "held", "parked", "gone"],
  claimed: ["waiting", "unconfirmed", "held", "parked", "gone"],
  unconfirmed: ["claimed", "waiting", "held", "parked", "gone"],
  held: ["waiting", "parked", "gone"],
  parked: ["waiting", "gone"],
  gone: [],
};

/** Why a recipient is held, parked or gone. */
export type Reason =
  | "operator"
  | "probation"
  | "quarantine"
  | "loop"
  | "unconfirmed"
  /** What is stored is not what was accepted. */
  | "damaged"
  | "refused"
  /** The body was refused, not the recipient: kept for a shorter time. */
  | "content"
  | "expired"
  | "delivered"
  | "deleted";
