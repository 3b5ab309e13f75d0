import type { StoreCondition } from "../../../ports/queue.ts";
import type { Clock } from "../../../runtime/clock.ts";
import type { Disk } from "./disk.ts";
import { writeCondition, writeRoom } from "./shared-state.ts";
import type { SharedState } from "./shared-state.ts";

/** Space that new mail may not touch, so that attempts can still be closed. */
export type Reserve = { readonly percent: number } | { readonly bytes: number };

/** What is told when the condition changes; the fields of the journal's `store.condition`. */
export interface ConditionChange {
  readonly condition: StoreCondition;
  readonly why: string;
  /** Bytes free on the file system. */
  readonly free?: number;
}

export interface IllnessParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly reserve: Reserve;
  readonly shared: SharedState;
  readonly clock: Clock;
  readonly onChange: (change: ConditionChange) => void;
}

/** What a share counts as at least, in bytes: 5 % of a small disk is soon written by what closes attempts. */
const LEAST_SHARE = 256_000_000;
/** The free space is asked for again after this many bytes; and every second, by the writer's timer. */
const MEASURE_EACH = 16 * 1024 * 1024;
/** How long a write that found no room is believed, in ms, whatever the free space says: it may be a quota. */
const FULL_FOR = 5000;

/** The store's two illnesses. `full` heals when there is room; `sick` only by the writer's cure. */
export class Illness {
  readonly #parts: IllnessParts;
  #reserve: Reserve;
  #condition: StoreCondition = "ok";
  #unmeasured = 0;
  #fullUntil = 0;

  constructor(parts: IllnessParts) {
    this.#parts = parts;
    this.#reserve = parts.reserve;
    this.measure();
  }

  get condition(): StoreCondition {
    return this.#condition;
  }

  setReserve(reserve: Reserve): void {
    this.#reserve = reserve;
    this.measure();
  }

  /** Looks at the free space; `full` comes and goes with it. */
  measure(): void {
    this.#unmeasured = 0;
    const { free, above } = this.#space();
    writeRoom(this.#parts.shared, above);
    if (this.#condition === "ok" && above <= 0)
      this.#become({ condition: "full", why: "the free space has shrunk to the reserve", free });
    else if (this.#condition === "full" && above > 0 && this.#parts.clock.now() >= this.#fullUntil)
      this.#become({ condition: "ok", why: "there is room again", free });
  }

  wrote(bytes: number): void {
    this.#unmeasured += bytes;
    if (this.#unmeasured >= MEASURE_EACH) this.measure();
  }

  /** A write found no room. */
  foundFull(why: string): void {
    this.#fullUntil = this.#parts.clock.now() + FULL_FOR;
    if (this.#condition === "ok") this.#become({ condition: "full", why });
  }

  foundSick(why: string): void {
    if (this.#condition !== "sick") this.#become({ condition: "sick", why });
  }

  cured(): void {
    this.#become({ condition: "ok", why: "the disk writes and flushes again" });
    this.measure();
  }

  #space(): { free: number; above: number } {
    const { disk, folder } = this.#parts;
    const reserve = this.#reserve;
    try {
      const { free, total } = disk.space(folder);
      const kept =
        "bytes" in reserve ? reserve.bytes : Math.max(LEAST_SHARE, (total * reserve.percent) / 100);
      return { free, above: free - kept };
    } catch {
      // A file system that cannot tell its size says so again, and worse, at the next commit.
      return { free: 0, above: this.#condition === "full" ? 0 : 1 };
    }
  }

  #become(change: ConditionChange): void {
    this.#condition = change.condition;
    writeCondition(this.#parts.shared, change.condition);
    this.#parts.onChange(change);
  }
}
