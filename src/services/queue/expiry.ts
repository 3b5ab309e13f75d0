import type { Journal } from "../../ports/journal.ts";
import type { ExpireSlice, WorkStore } from "../../ports/work-store.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Job } from "../../runtime/schedule.ts";

/** Ages in ms. */
export interface Retention {
  /** Mail that waits longer than this is parked as expired. */
  readonly waiting: number;
  /** Mail that is parked longer than this is deleted. */
  readonly parked: number;
  /** The same for mail that was refused for its content; absent: as `parked`. */
  readonly refusedContent?: number;
  /** Mail that is in quarantine longer than this is deleted. */
  readonly quarantine: number;
  /** Ledger rows that are older than this are removed. */
  readonly ledger: number;
}

interface ExpiryParts {
  readonly store: WorkStore;
  readonly journal: Journal;
  readonly clock: Clock;
  /** Asked before each slice, so that a reload takes effect. */
  readonly retention: () => Retention;
  /** Returns whether ages can be believed; while they cannot, nothing expires. */
  readonly timely: () => boolean;
  /** Runs when recipients have expired: their senders may have to be notified. */
  readonly expired: () => void;
}

/** How often, in ms, and how many recipients at a time. */
const EVERY = 5 * 60_000;
const SLICE = 500;
/** Milliseconds between two journal entries about deleted mail; mail may be deleted at any hour. */
const DELETED_EVERY = 24 * 3_600_000;

/** Returns the job that expires and deletes old mail: one slice per run, and the next at once while there is more. */
export function expiryJob({ store, journal, clock, retention, timely, expired }: ExpiryParts): Job {
  let [givenUp, deleted, toldAt] = [0, 0, -Infinity];
  const tell = (): void => {
    if (givenUp > 0) journal.record({ kind: "queue.expired", recipients: givenUp });
    givenUp = 0;
    if (deleted === 0 || clock.elapsed() - toldAt < DELETED_EVERY) return;
    journal.record({ kind: "queue.deleted", recipients: deleted });
    [deleted, toldAt] = [0, clock.elapsed()];
  };
  return {
    name: "queue.expiry",
    every: EVERY,
    run: async () => {
      if (!timely()) return "done";
      const now = clock.now();
      const moved = await store.expire(sliceAt(now, retention()));
      givenUp += moved.givenUp;
      deleted += moved.deleted;
      if (moved.givenUp > 0) expired();
      if (moved.givenUp + moved.deleted + moved.forgotten > 0) return "again";
      tell();
      return "done";
    },
  };
}

function sliceAt(now: number, retention: Retention): ExpireSlice {
  const { waiting, parked, refusedContent = parked, quarantine, ledger } = retention;
  return {
    now,
    waitingBefore: now - waiting,
    parkedBefore: now - parked,
    contentBefore: now - refusedContent,
    quarantinedBefore: now - quarantine,
    goneBefore: now - ledger,
    limit: SLICE,
  };
}
