import type { Conversation } from "../../../ports/smtp-client.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { ConnectionPool } from "./connection-pool.ts";

/** How long a stop waits for mails whose final dot was not sent, in ms. */
const BEFORE_DOT = 2_000;
/** How long a stop waits for the replies to final dots, in ms; after that, these mails are unconfirmed. */
const AFTER_DOT = 30_000;

/** Waits until the conversations have ended, and aborts those that take longer than allowed. */
export async function abortInTime(
  conversations: () => Iterable<Conversation>,
  ended: Promise<unknown>,
  clock: Clock,
): Promise<void> {
  const abort = (all: boolean): void => {
    for (const each of conversations()) if (all || each.phase !== "dot") each.abort();
  };
  const timers = [clock.after(BEFORE_DOT, () => abort(false)), clock.after(AFTER_DOT, () => abort(true))];
  await ended;
  for (const timer of timers) timer.cancel();
}

/** Ends all conversations within 30 s; mail that no connection has begun is given back at once. */
export async function stopPools(pools: readonly ConnectionPool[], clock: Clock): Promise<void> {
  const ended = Promise.all(pools.map((pool) => pool.retire()));
  await abortInTime(() => pools.flatMap((pool) => pool.conversations()), ended, clock);
}
