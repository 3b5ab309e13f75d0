import type { ClaimedMail } from "../../../ports/work-store.ts";
import type { ConnectionPool, DomainQueue, QueueAtPool } from "../pool/connection-pool.ts";
import type { Probations } from "../probation/probations.ts";

interface Choosing {
  readonly probations: Pick<Probations, "of" | "room">;
  /** 0 to 1. */
  readonly random: () => number;
}

/**
 * Chooses the pool for one fresh mail. A pool whose probation needs a canary comes first. While other pools accept
 * mail, a pool in probation gets no more than its probation allows.
 */
export function poolFor(queue: DomainQueue, { probations, random }: Choosing): ConnectionPool | undefined {
  const active = queue.active();
  const allowed = active.filter((pool) => probations.room(pool, queue) > 0);
  const unproven = allowed.find((pool) => probations.of(pool, queue)?.wantsCanary);
  if (unproven !== undefined) return unproven;
  const pools = allowed.length > 0 ? allowed : active;
  const withRoom = pools.filter((pool) => pool.room() > 0);
  return byWeight(withRoom.length > 0 ? withRoom : pools, queue, random()) ?? queue.pools[0];
}

/** Gives a pool a mail that it did not claim. If the domain is in probation there, the mail counts for it. */
export function handOver(
  mail: ClaimedMail,
  { pool, queue }: QueueAtPool,
  probations: Pick<Probations, "of">,
): void {
  probations.of(pool, queue)?.take(1);
  pool.take([mail]);
}

/** Chooses one of the pools at random, each with the probability of its weight. */
export function byWeight(
  pools: readonly ConnectionPool[],
  queue: DomainQueue,
  random: number,
): ConnectionPool | undefined {
  if (pools.length < 2) return pools[0];
  const weights = pools.map((pool) => queue.weights.get(pool) ?? 1);
  let left = random * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, pool] of pools.entries()) {
    left -= weights[i] ?? 0;
    if (left < 0) return pool;
  }
  return pools.at(-1);
}
