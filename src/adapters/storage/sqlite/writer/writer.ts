import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { MessagePort } from "node:worker_threads";
import type { Journal } from "../../../../ports/journal.ts";
import type { ConditionChange, StoreCondition } from "../../../../ports/store-condition.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { Ballast, withBallast } from "../disk/ballast.ts";
import type { Batch } from "../commit/batch.ts";
import { CommitLoop } from "../commit/commit-loop.ts";
import { QUEUE_FILE } from "../disk/connection.ts";
import { Checkpoints } from "./checkpoints.ts";
import { connectCheckpointer } from "../disk/checkpointer.ts";
import { Cure } from "./cure.ts";
import { flushFolder, makePrivateFolder, realDisk, writeDurably, type Disk } from "../disk/disk.ts";
import type { StoreFailure } from "../disk/failure.ts";
import { Illness, type Reserve } from "../disk/illness.ts";
import { usable } from "../disk/opening.ts";
import { findWalDamage } from "../disk/wal-damage.ts";
import { FilesInPlace } from "./files-in-place.ts";
import { RefusedMails } from "./refused-mails.ts";
import { serveRole, type Role } from "./roles.ts";
import { Segments } from "../bodies/segments.ts";
import { Sessions } from "../queue/sessions.ts";
import { makeSharedState, writeGeneration, type SharedState } from "../wire/shared-state.ts";
import { openStore, type Store, type StoreParts } from "./store.ts";
import { spoolIn } from "../bodies/spool-place.ts";
import { sweepSpool } from "../bodies/spool-sweep.ts";
import { Upkeep } from "./upkeep.ts";

export interface WriterOptions {
  /** The data folder; its lock must be held by this process. */
  readonly folder: string;
  readonly clock: Clock;
  readonly reserve: Reserve;
  readonly log: Logger;
  /** Gets `store.condition` at every change, and `store.checked` if the WAL was damaged. */
  readonly journal?: Journal;
  /** Folder of the migrations; those that ship with the program if absent. */
  readonly migrations?: string;
  /** The real disk if absent. */
  readonly disk?: Disk;
}

/** This file exists while no writer is open and the last one was closed cleanly. */
const CLEAN_FILE = "clean";

/** The only connection that writes, on the storage thread. */
export class Writer {
  /** Shared memory for the clients on other threads. */
  readonly shared: SharedState = makeSharedState();
  /** Number of recipients that were claimed when the last process ended, and are now `unconfirmed`. */
  readonly recovered: number;
  /** The last process did not close the store cleanly, so the database should be checked (`checkDatabase`). */
  readonly unclean: boolean;
  readonly #options: WriterOptions;
  readonly #sessions: Sessions;
  readonly #refused: RefusedMails;
  readonly #files: FilesInPlace;
  readonly #segments = new Segments();
  readonly #checkpoints: Checkpoints;
  readonly #illness: Illness;
  readonly #loop: CommitLoop<Store>;
  readonly #upkeep: Upkeep;
  readonly #cure: Cure;
  readonly #drained: (() => void)[] = [];
  #store: Store | undefined;
  #closed = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    const { folder, clock } = options;
    this.#sessions = new Sessions(() => clock.now());
    prepareFolder(folder);
    this.unclean = existsSync(join(folder, QUEUE_FILE)) && !existsSync(join(folder, CLEAN_FILE));
    rmSync(join(folder, CLEAN_FILE), { force: true });
    const damage = this.unclean ? findWalDamage(folder) : undefined;
    const store = withBallast(folder, () => openStore(this.#storeParts()));
    flushFolder(folder);
    this.#checkpoints = new Checkpoints(folder);
    this.#refused = new RefusedMails(folder, options.log);
    this.#files = new FilesInPlace(folder, this.#refused);
    this.recovered = this.#recover(store);
    this.#store = store;
    this.#illness = new Illness({
      disk: this.#disk,
      folder,
      ballast: new Ballast(folder, this.#disk, options.log),
      reserve: options.reserve,
      shared: this.shared,
      clock,
      onChange: (change) => this.#tell(change),
    });
    this.#loop = this.#startLoop();
    this.#upkeep = new Upkeep({
      clock,
      loop: this.#loop,
      store: () => this.#store,
      illness: this.#illness,
      segments: this.#segments,
      checkpoints: this.#checkpoints,
      files: this.#files,
      sweepSpool: () => this.sweepSpool(),
      onTrouble: (failure) => this.#onTrouble(failure),
      log: options.log,
    });
    this.#cure = new Cure({
      disk: this.#disk,
      folder,
      clock,
      log: options.log,
      sessions: this.#sessions,
      refused: this.#refused,
      reopen: () => this.#reopen(),
      moveWal: ({ database }) => this.#checkpoints.inPlace(database),
    });
    // The last process may have ended on a sick disk. SQLite then finds commits in the page cache that a failed flush
    // kept off the disk. New commits must not stand behind them in the WAL, or a power cut would lose these as well.
    if (this.unclean) this.#upkeep.moveWal();
    if (damage !== undefined) options.journal?.record({ kind: "store.checked", findings: [damage], took: 0 });
  }

  get condition(): StoreCondition {
    return this.#illness.condition;
  }

  /** Lets the thread that serves this port copy the WAL, until the port closes. */
  copyBy(port: MessagePort): void {
    this.#checkpoints.copyBy(connectCheckpointer(port));
  }

  /** Serves one client over a port, until the port closes. */
  serve(role: Role, port: MessagePort): void {
    serveRole(role, port, {
      loop: this.#loop,
      sessions: this.#sessions,
      segments: this.#segments,
      clock: this.#options.clock,
      condition: () => this.#illness.condition,
      trouble: (failure) => this.#onTrouble(failure),
    });
  }

  /** Sets the reserve and applies it at once. */
  setReserve(reserve: Reserve): void {
    this.#illness.setReserve(reserve);
  }

  /** Removes files from the spool folder that no mail names; it also runs by itself every hour. */
  sweepSpool(): Promise<number> {
    return sweepSpool(this.#options.folder, this.#segments);
  }

  /** Finishes waiting jobs, empties the WAL and marks the folder as cleanly closed, if the disk permits. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#upkeep.stop();
    this.#cure.stop();
    if (!this.#loop.idle) await new Promise<void>((resolve) => this.#drained.push(resolve));
    const store = this.#store;
    this.#store = undefined;
    if (store === undefined) return;
    try {
      this.#files.requireOwn(store);
      this.#closeFully(store.database);
      writeDurably(join(this.#options.folder, CLEAN_FILE), "");
    } catch (error) {
      // The disk is full, or fails. All acknowledged mail is in the WAL, which the next start reads.
      this.#options.log.warn("the store could not be closed cleanly", { error: errorText(error) });
    }
  }

  /** Resolves what the last process left in doubt. */
  #recover({ database, recovering }: Store): number {
    const { folder, clock } = this.#options;
    const recover = database.transaction(() => {
      recovering.remove(this.#refused.ids);
      return recovering.abandon(clock.now(), () => true);
    });
    const recovered = usable(join(folder, QUEUE_FILE), () => withBallast(folder, () => recover.immediate()));
    this.#refused.forget();
    return recovered;
  }

  #closeFully(database: Store["database"]): void {
    try {
      this.#checkpoints.fully(database);
    } finally {
      database.close();
    }
  }

  #reopen(): Store {
    const store = openStore(this.#storeParts());
    this.#files.reopened();
    return store;
  }

  get #disk(): Disk {
    return this.#options.disk ?? realDisk;
  }

  #storeParts(): StoreParts {
    const { folder, log, migrations } = this.#options;
    return {
      folder,
      shared: this.shared,
      log,
      disk: this.#disk,
      sessions: this.#sessions,
      segments: this.#segments,
      ...(migrations !== undefined && { migrations }),
    };
  }

  #startLoop(): CommitLoop<Store> {
    return new CommitLoop<Store>({
      clock: this.#options.clock,
      store: () => this.#store,
      judge: (error) => this.#illness.judge(error),
      onCommitted: (...committed) => this.#onCommitted(...committed),
      onTrouble: (failure) => this.#onTrouble(failure),
      onSlicesUndone: ({ directory }) => directory.taint(),
      makeRoom: () => this.#illness.makeRoom(),
      onTurnEnd: (idle) => this.#onTurnEnd(idle),
    });
  }

  /** Runs before the answers are sent: no mail may be acknowledged that is in a file without a name. */
  #onCommitted(store: Store, batch: Batch, bytes: number): void {
    this.#files.requireThere(store);
    store.accepting.inDoubt.clear();
    this.#tellGeneration(store);
    this.#illness.wrote(bytes);
    this.#sessions.tellWork(batch.work);
  }

  #tellGeneration({ directory }: Store): void {
    const generation = directory.changedGeneration();
    if (generation !== undefined) writeGeneration(this.shared, generation);
  }

  #onTurnEnd(idle: boolean): void {
    this.#upkeep.afterTurn(idle);
    if (idle) for (const resolve of this.#drained.splice(0)) resolve();
  }

  #onTrouble(failure: StoreFailure): void {
    if (failure.why === "full") this.#illness.foundFull(failure.message);
    else if (failure.why === "sick") this.#fallSick(failure);
  }

  /** Closes the connection at once: after a failed flush, what is on the disk is unknown. */
  #fallSick(failure: StoreFailure): void {
    const lost = this.#store;
    this.#store = undefined;
    this.#illness.foundSick(failure.message);
    this.#checkpoints.doubt();
    if (lost === undefined) return;
    if (this.#closed) return this.#cure.giveUp(lost);
    this.#cure.begin(lost, (store) => {
      this.#store = store;
      // A commit that was answered as failed may be on the disk, and with it a change of the directory.
      this.#tellGeneration(store);
      this.#illness.cured();
    });
  }

  #tell(change: ConditionChange): void {
    this.#sessions.tell({ kind: "condition", condition: change.condition });
    this.#options.journal?.record({ kind: "store.condition", ...change });
  }
}

function prepareFolder(folder: string): void {
  usable(folder, () => makePrivateFolder(folder));
  const spool = spoolIn(folder);
  // If the folder belonged to another user, all large bodies would be deferred.
  usable(spool, () => makePrivateFolder(spool));
}
