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
 * Interval of the checks of the files and of the free space, and how long no job must have run before the WAL is
 * emptied, in ms.
 */
const SECOND = 1000;
/** The same interval while the store is idle, in ms. */
const RESTING = 30_000;
/** How often the last mails of segments are moved, so that the segments can be removed, in ms. */
const COMPACT_EACH = 60 * 1000;
/** How often the spool and old generations of the directory are swept, in ms. */
const SWEEP_EACH = 60 * 60 * 1000;

/** The size of the WAL is checked once in this many turns; the check costs as much as settling a mail. */
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

/** Maintenance by the writer: between turns, each second, each hour. */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #timer: Timer | undefined;
  #busySinceTick = true;
  #walMayHoldPages = true;
  #turns = 0;
  #resting = false;
  /** The next vacuum slice is scheduled. */
  #vacuuming = false;
  #nextSweep: number;
  #nextCompaction: number;
  #sweeping: Promise<void> | undefined;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    // Not at the start: after a crash, an operator may still need files that no mail names.
    this.#nextSweep = parts.clock.elapsed() + SWEEP_EACH;
    this.#nextCompaction = parts.clock.elapsed() + COMPACT_EACH;
    this.#arm();
  }

  /** Moves the WAL into the database now, or reports why that fails. */
  moveWal(): void {
    this.#withStore((store) => this.#parts.checkpoints.inPlace(store.database));
  }

  /** Call it when a turn of the commit loop has ended; `idle` if no job waits. */
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
        // Space of delivered mail counts as room for new mail only once it is returned to the file system.
        if (isSmall && illness.condition === "full") vacuumSlice(store.database, true);
      });
  }

  /** Stops everything; resolves when a running sweep has ended. */
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

  /** Missing or replaced files end the thread; if they cannot be checked, the disk is sick. */
  #lookForFiles(): void {
    const store = this.#parts.store();
    try {
      if (store !== undefined) this.#parts.files.requireOwn(store);
    } catch (error) {
      if (error instanceof FileReplaced) throw error;
      this.#parts.onTrouble(this.#parts.illness.judge(error));
    }
  }

  /** Runs when no job has run for a second: returns free space to the file system in slices, then empties the WAL. */
  #rest(): void {
    this.#vacuuming = false;
    this.#withStore((store) => {
      const { loop, illness, checkpoints } = this.#parts;
      if (!loop.idle || this.#timer === undefined) return;
      // If blocks are short, the next slice reuses those of the WAL, so that no other program gets them.
      if (illness.short) checkpoints.inPlace(store.database);
      // The WAL grows by half of the returned space.
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
    // A full disk is compacted, too: few mails may occupy most of it. But the ballast is only for deliveries.
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
    // Maintenance makes room, so it may use the ballast.
    if (failure.why === "full" && illness.makeRoom()) this.#withStore(act);
  }
}
