import type { Clock, Timer } from "../../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import type { CommitLoop } from "../commit/commit-loop.ts";
import type { StoreFailure } from "../disk/failure.ts";
import type { Illness } from "../disk/illness.ts";
import { FileReplaced } from "../disk/in-place.ts";
import type { Segments } from "../bodies/segments.ts";
import type { Store } from "./store.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { FilesInPlace } from "./files-in-place.ts";
import { vacuumSlice } from "../disk/wal.ts";

/**
 * How often the files are looked for and the free space is measured, and how long nothing must have happened before the
 * WAL is emptied, in ms.
 */
const SECOND = 1000;
/** The same while nothing happens at all, in ms. */
const RESTING = 30_000;
/** How often the last mails of segments are moved, so that the segments can go, in ms. */
const COMPACT_EACH = 60 * 1000;
/** How often the spool and the directory's remains are swept, in ms. */
const SWEEP_EACH = 60 * 60 * 1000;

/** Turns after which the size of the WAL is looked at; the look costs as much as settling a mail. */
const LOOK_EACH = 4;

interface UpkeepParts {
  readonly clock: Clock;
  readonly loop: CommitLoop<Store>;
  readonly store: () => Store | undefined;
  readonly illness: Illness;
  readonly segments: Segments;
  readonly checkpoints: Checkpoints;
  readonly files: FilesInPlace;
  readonly sweepSpool: () => Promise<number>;
  readonly onTrouble: (failure: StoreFailure) => void;
  readonly log: Logger;
}

/** What the writer does for its own sake: between turns, each second, each hour. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #timer: Timer | undefined;
  #busySinceTick = true;
  #walMayHoldPages = true;
  #turns = 0;
  #resting = false;
  /** The next slice is planned. */
  #vacuuming = false;
  #nextSweep: number;
  #nextCompaction: number;
  #sweeping: Promise<void> | undefined;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    // Never at the start: a file that no mail names may still be wanted by whoever looks into a crash.
    this.#nextSweep = parts.clock.elapsed() + SWEEP_EACH;
    this.#nextCompaction = parts.clock.elapsed() + COMPACT_EACH;
    this.#arm();
  }

  /** Moves the WAL into the database now, or reports why that fails. */
  moveWal(): void {
    this.#withStore((store) => this.#parts.checkpoints.inPlace(store.database));
  }

  /** A turn of the commit loop has ended; `idle` when nothing waits. */
  afterTurn(idle: boolean): void {
    this.#busySinceTick = true;
    this.#walMayHoldPages = true;
    if (this.#resting && this.#timer !== undefined) {
      this.#timer.cancel();
      this.#arm();
    }
    this.#turns += 1;
    const { illness, checkpoints } = this.#parts;
    if (illness.short) this.moveWal();
    else if (this.#turns % LOOK_EACH === 0)
      this.#withStore((store) => {
        const isSmall = checkpoints.proceed(store.database, idle);
        // What has been handed over is no room for new mail before the file system has it back.
        if (isSmall && illness.condition === "full") vacuumSlice(store.database, true);
      });
  }

  /** Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#sweeping;
  }

  #arm(): void {
    const { clock, illness } = this.#parts;
    this.#resting = !this.#busySinceTick && !this.#walMayHoldPages && illness.condition === "ok";
    this.#timer = clock.after(this.#resting ? RESTING : SECOND, () => this.#tick());
  }

  #tick(): void {
    if (this.#timer === undefined) return;
    this.#lookForFiles();
    if (this.#parts.illness.condition !== "sick") this.#parts.illness.tend();
    const now = this.#parts.clock.elapsed();
    if (now >= this.#nextSweep) this.#sweep();
    else if (now >= this.#nextCompaction && this.#parts.segments.thinned.length > 0) this.#compact();
    else if (!this.#busySinceTick && this.#walMayHoldPages && !this.#vacuuming) this.#rest();
    this.#busySinceTick = false;
    this.#arm();
  }

  /** Files that are not there any more end the thread; a disk that does not tell is sick. */
  #lookForFiles(): void {
    const store = this.#parts.store();
    try {
      if (store !== undefined) this.#parts.files.requireOwn(store);
    } catch (error) {
      if (error instanceof FileReplaced) throw error;
      this.#parts.onTrouble(this.#parts.illness.judge(error));
    }
  }

  /** Nothing has happened for a second: space goes back to the file system, slice by slice, then the WAL. */
  #rest(): void {
    this.#vacuuming = false;
    this.#withStore((store) => {
      const { loop, illness, checkpoints } = this.#parts;
      if (!loop.idle || this.#timer === undefined) return;
      // Where blocks are short, those of the WAL serve the next slice, and nobody else gets them.
      if (illness.short) checkpoints.inPlace(store.database);
      // Half as much as is given back goes through the WAL.
      else if (!checkpoints.proceed(store.database, true)) return;
      if (vacuumSlice(store.database, false)) return this.#vacuumOn();
      if (!illness.short) checkpoints.fully(store.database);
      this.#walMayHoldPages = false;
    });
  }

  #vacuumOn(): void {
    this.#vacuuming = true;
    setImmediate(() => this.#rest());
  }

  #sweep(): void {
    this.#nextSweep = this.#parts.clock.elapsed() + SWEEP_EACH;
    this.#sweeping ??= this.#sweepAll()
      .catch((error: unknown) => this.#parts.log.warn("a sweep failed", { error: errorText(error) }))
      .finally(() => (this.#sweeping = undefined));
  }

  async #sweepAll(): Promise<void> {
    const { clock, loop, log, sweepSpool } = this.#parts;
    await loop.submitSlices((store) => store.directory.sweep(clock.now()));
    const files = await sweepSpool();
    if (files > 0) log.warn("spool files without a mail were removed", { files });
  }

  #compact(): void {
    const { clock, illness, log, loop } = this.#parts;
    this.#nextCompaction = clock.elapsed() + COMPACT_EACH;
    // On a full disk, too, which it empties: few mails may keep most of it. What is left of the ballast is for deliveries.
    if (illness.condition === "sick" || illness.short) return;
    loop
      .submitSlices((store, batch) => store.compacting.run(batch))
      .catch((error: unknown) => log.warn("segments were not compacted", { error: errorText(error) }));
  }

  #withStore(act: (store: Store) => void): void {
    const store = this.#parts.store();
    if (store === undefined) return;
    try {
      act(store);
    } catch (error) {
      this.#failed(this.#parts.illness.judge(error), act);
    }
  }

  #failed(failure: StoreFailure, act: (store: Store) => void): void {
    const { illness, onTrouble } = this.#parts;
    onTrouble(failure);
    // What is done here makes room.
    if (failure.why === "full" && illness.makeRoom()) this.#withStore(act);
  }
}
