/** Mails in flight on all connections together that are enough for any network path. Each connection may have two. */
const IN_FLIGHT = 64;

/** How many mails may be in flight on one of `connections`, each of which accepts `window` at once. */
export function depthOf(window: number, connections: number): number {
  return Math.min(window, Math.max(2, Math.ceil(IN_FLIGHT / connections)));
}

/**
 * Mails ready behind those in flight on each connection that pipelines. With fewer, the pool runs out of mail during
 * the commit of a claim, and the mails that follow no longer share their network writes.
 */
const AHEAD = 4;

interface InHand {
  readonly connections: number;
  /** Mails in flight on each of them. */
  readonly depth: number;
  /** Mails claimed or asked for, and not answered by the primary. */
  readonly unanswered: number;
  /** Mails claimed or asked for, and not settled. */
  readonly unsettled: number;
}

/**
 * How many more mails to claim. Each connection may have mails in flight and a few ready ones. Unsettled mails are
 * limited as well, so that mail is not claimed faster than the store writes results.
 */
export function roomOf({ connections, depth, unanswered, unsettled }: InHand): number {
  const each = depth + (depth > 1 ? AHEAD : 1);
  return Math.max(0, Math.min(each * connections - unanswered, (each + 2) * connections - unsettled));
}
