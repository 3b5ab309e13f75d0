/** Mails in flight on all connections together that are enough for any line; each has two nevertheless. */
const IN_FLIGHT = 64;

/** Mails in flight on one of `connections`, each of which takes `window` at once. */
export function depthOf(window: number, connections: number): number {
  return Math.min(window, Math.max(2, Math.ceil(IN_FLIGHT / connections)));
}

/**
 * Mails ready behind those in flight on each connection that pipelines: with fewer they run out during a claim's
 * commit, and what leaves then shares no write with its neighbours.
 */
const AHEAD = 4;

interface InHand {
  readonly connections: number;
  /** Mails in flight on each of them. */
  readonly depth: number;
  /** Claimed or asked for, and not answered by the primary. */
  readonly unanswered: number;
  /** Claimed or asked for, and not settled. */
  readonly unsettled: number;
}

/**
 * How many more mails to claim: those in flight and a few ahead on each connection, and beside them as many that are
 * being settled as keep the store from being asked for more than it writes.
 */
export function roomOf({ connections, depth, unanswered, unsettled }: InHand): number {
  const each = depth + (depth > 1 ? AHEAD : 1);
  return Math.max(0, Math.min(each * connections - unanswered, (each + 2) * connections - unsettled));
}
