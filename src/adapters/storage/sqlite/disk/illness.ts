import type { ConditionChange, StoreCondition } from "../../../../ports/store-condition.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import type { Ballast } from "./ballast.ts";
import type { Disk } from "./disk.ts";
import type { StoreFailure } from "./failure.ts";
import { judged } from "./quota.ts";
import { writeCondition, writeRoom, type SharedState } from "../wire/shared-state.ts";

/** Space that new mail may not touch, so that attempts can still be closed. */
export type Reserve = { readonly percent: number } | { readonly bytes: number };

interface IllnessParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly ballast: Ballast;
  readonly reserve: Reserve;
  readonly shared: SharedState;
  readonly clock: Clock;
  readonly onChange: (change: ConditionChange) => void;
}

/** Minimum of a reserve given in percent, in bytes: recording deliveries soon uses up 5 % of a small disk. */
const LEAST_SHARE = 256_000_000;
/** The free space is measured after this many written bytes, and every second by the writer's timer. */
const MEASURE_EACH = 16 * 1024 * 1024;
const NO_BALLAST = "there is no room for the ballast";
/** How long the disk counts as full after a write found no room, in ms, whatever space is free: it may be a quota. */
const FULL_FOR = 5000;

/**
 * The condition of the store. `full` ends when there is room, first of all for the ballast; `sick` ends only by the
 * writer's cure.
 */
export class Illness {
  readonly #parts: IllnessParts;
  #reserve: Reserve;
  #condition: StoreCondition = "ok";
  #unmeasured = 0;
  #fullUntil = 0;
  /** The ballast was empty when a piece of it was last needed. */
  #stuck = false;

  constructor(parts: IllnessParts) {
    this.#parts = parts;
    this.#reserve = parts.reserve;
    this.measure();
  }

  get condition(): StoreCondition {
    return this.#condition;
  }

  /** The ballast is being used up: every write should take as few new blocks as possible. */
  get short(): boolean {
    // Read after each turn of the commit loop, so a healthy disk must cost nothing.
    if (this.#condition !== "full") return false;
    const { left, lacks } = this.#parts.ballast;
    return left !== undefined && lacks > 0;
  }

  setReserve(reserve: Reserve): void {
    this.#reserve = reserve;
    this.measure();
  }

  /** Measures the free space, and enters or leaves `full` accordingly. */
  measure(): void {
    this.#unmeasured = 0;
    const { free, above } = this.#space();
    writeRoom(this.#parts.shared, above);
    if (this.#condition === "ok" && above <= 0)
      this.#become({ condition: "full", why: "the free space has shrunk to the reserve", free });
    else if (this.#condition === "full" && above > 0 && this.#parts.clock.elapsed() >= this.#fullUntil)
      this.#heal(free);
  }

  /** Runs each second: measures the free space, and fills the ballast if there is room. */
  tend(): void {
    this.measure();
    if (this.#condition === "ok" && !this.#parts.ballast.fill()) this.foundFull(NO_BALLAST);
  }

  wrote(bytes: number): void {
    this.#unmeasured += bytes;
    if (this.#unmeasured >= MEASURE_EACH) this.measure();
  }

  /** Classifies the error of a failed statement. */
  judge(error: unknown): StoreFailure {
    return judged(error, this.#parts);
  }

  /** A write found no room. */
  foundFull(why: string): void {
    this.#fullUntil = this.#parts.clock.elapsed() + FULL_FOR;
    if (this.#condition === "ok") this.#become({ condition: "full", why });
  }

  /** Releases a piece of the ballast for a write that cannot wait; returns false if nothing is left of it. */
  makeRoom(): boolean {
    const { ballast } = this.#parts;
    const wasWhole = ballast.lacks === 0;
    const given = ballast.giveUp();
    if (given && wasWhole) this.#becomeShort("no block was left, so the ballast is being given up");
    else if (!given && !this.#stuck) this.#becomeShort("no block is left, and the ballast is used up");
    this.#stuck = !given;
    return given;
  }

  foundSick(why: string): void {
    if (this.#condition !== "sick") this.#become({ condition: "sick", why });
  }

  cured(): void {
    this.#become({ condition: "ok", why: "the disk writes and flushes again" });
    this.measure();
  }

  #heal(free: number): void {
    if (!this.#parts.ballast.fill()) return this.foundFull(NO_BALLAST);
    this.#stuck = false;
    this.#become({ condition: "ok", why: "there is room again", free });
  }

  #becomeShort(why: string): void {
    const { free } = this.#space();
    this.#become({ condition: "full", why, free, ballast: this.#parts.ballast.left ?? 0 });
  }

  /** Free bytes, and how many of them new mail may take: without the reserve and what the ballast lacks. */
  #space(): { free: number; above: number } {
    const { disk, folder, ballast } = this.#parts;
    const reserve = this.#reserve;
    try {
      const { free, total } = disk.space(folder);
      const kept =
        "bytes" in reserve ? reserve.bytes : Math.max(LEAST_SHARE, (total * reserve.percent) / 100);
      return { free, above: free - kept - ballast.lacks };
    } catch {
      // If the file system really fails, the next commit will notice.
      return { free: 0, above: this.#condition === "full" ? 0 : 1 };
    }
  }

  #become(change: ConditionChange): void {
    this.#condition = change.condition;
    writeCondition(this.#parts.shared, change.condition);
    const { left = 0 } = this.#parts.ballast;
    this.#parts.onChange(this.short ? { ...change, ballast: left } : change);
  }
}
