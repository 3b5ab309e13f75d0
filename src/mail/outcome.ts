import { isPermanent, isPositive, type Reply } from "./reply.ts";

/** The result of one delivery attempt for one recipient. */
export type Outcome =
  /** The primary took responsibility: a positive reply to the final dot. */
  | { readonly kind: "delivered"; readonly reply: Reply }
  /** A temporary reply, or trouble before the final dot; `ours`: no server said this, the words are our own. */
  | { readonly kind: "deferred"; readonly reply: Reply; readonly ours?: true }
  /** A permanent reply to this recipient or this body. */
  | { readonly kind: "refused"; readonly reply: Reply }
  /** The final dot was sent and no reply came: the primary may or may not have it (RFC 1047). */
  | { readonly kind: "unconfirmed"; readonly why: string }
  /** Our own store no longer has the body that was accepted; the primary got no mail. */
  | { readonly kind: "damaged"; readonly why: string }
  /** Nothing was sent for it; it returns to its previous state. */
  | { readonly kind: "released" };

/** Whether the mail was delivered to at least one recipient. */
export function hasDelivered(outcomes: ReadonlyMap<number, Outcome>): boolean {
  for (const { kind } of outcomes.values()) if (kind === "delivered") return true;
  return false;
}

/** Returns the recipients that were refused. */
export function refusedIn(outcomes: ReadonlyMap<number, Outcome>): ReadonlySet<number> {
  const refused = new Set<number>();
  for (const [n, { kind }] of outcomes) if (kind === "refused") refused.add(n);
  return refused;
}

/** The session lacks authentication or TLS (RFC 4954 §6, RFC 3207 §4): nothing that is final for the mail. */
const SESSION_LACKS = 530;

/** Returns the outcome that follows from a reply to RCPT or to the final dot. */
export function outcomeOf(answer: Reply): Outcome {
  if (isPositive(answer)) return { kind: "delivered", reply: answer };
  const final = isPermanent(answer) && answer.code !== SESSION_LACKS;
  return { kind: final ? "refused" : "deferred", reply: answer };
}
