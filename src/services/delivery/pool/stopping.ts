import type { Conversation } from "../../../ports/smtp-client.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { ConnectionPool } from "./connection-pool.ts";

/** Milliseconds for mails in conversation that are not past their final dot. */
const BEFORE_DOT = 2_000;
/** Milliseconds for the replies to final dots; afterwards those mails stay unconfirmed. */
const AFTER_DOT = 30_000;

/** Waits for the end of conversations, and aborts those that have had their time. */
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

/** Ends all conversations within 30 s; what has not begun is given back at once. */
export async function stopPools(pools: readonly ConnectionPool[], clock: Clock): Promise<void> {
  const ended = Promise.all(pools.map((pool) => pool.retire()));
  await abortInTime(() => pools.flatMap((pool) => pool.conversations()), ended, clock);
}
