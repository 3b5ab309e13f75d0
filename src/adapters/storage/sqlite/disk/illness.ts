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

/** What a share counts as at least, in bytes: 5 % of a small disk is soon written by what closes attempts. */
const LEAST_SHARE = 256_000_000;
/** The free space is asked for again after this many bytes; and every second, by the writer's timer. */
const MEASURE_EACH = 16 * 1024 * 1024;
const NO_BALLAST = "there is no room for the ballast";
/** How long a write that found no room is believed, in ms, whatever the free space says: it may be a quota. */
const FULL_FOR = 5000;

/** The store's two illnesses. `full` heals when there is room, for the ballast first; `sick` only by the writer's cure. */
export class Illness {
  readonly #parts: IllnessParts;
  #reserve: Reserve;
  #condition: StoreCondition = "ok";
  #unmeasured = 0;
  #fullUntil = 0;
  /** Nothing was left to give up when it was last needed. */
  #stuck = false;

  constructor(parts: IllnessParts) {
    this.#parts = parts;
    this.#reserve = parts.reserve;
    this.measure();
  }

  get condition(): StoreCondition {
    return this.#condition;
  }

  /** The ballast is being used up: what is written now should take as few new blocks as possible. */
  get short(): boolean {
    // Asked after each turn: a well disk is not looked at.
    if (this.#condition !== "full") return false;
    const { left, lacks } = this.#parts.ballast;
    return left !== undefined && lacks > 0;
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
    else if (this.#condition === "full" && above > 0 && this.#parts.clock.elapsed() >= this.#fullUntil)
      this.#heal(free);
  }

  /** What is done each second: a look, and a whole ballast where there is room. */
  tend(): void {
    this.measure();
    if (this.#condition === "ok" && !this.#parts.ballast.fill()) this.foundFull(NO_BALLAST);
  }

  wrote(bytes: number): void {
    this.#unmeasured += bytes;
    if (this.#unmeasured >= MEASURE_EACH) this.measure();
  }

  /** What a failed statement comes to. */
  judge(error: unknown): StoreFailure {
    return judged(error, this.#parts);
  }

  /** A write found no room. */
  foundFull(why: string): void {
    this.#fullUntil = this.#parts.clock.elapsed() + FULL_FOR;
    if (this.#condition === "ok") this.#become({ condition: "full", why });
  }

  /** Gives up a piece of the ballast for what must be written all the same; false when there is none left. */
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

  /** Bytes free, and what of them new mail may take: not the reserve, nor what the ballast wants. */
  #space(): { free: number; above: number } {
    const { disk, folder, ballast } = this.#parts;
    const reserve = this.#reserve;
    try {
      const { free, total } = disk.space(folder);
      const kept =
        "bytes" in reserve ? reserve.bytes : Math.max(LEAST_SHARE, (total * reserve.percent) / 100);
      return { free, above: free - kept - ballast.lacks };
    } catch {
      // A file system that cannot tell its size says so again, and worse, at the next commit.
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
