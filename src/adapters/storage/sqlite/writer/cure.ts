import type Database from "better-sqlite3";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { withBallast } from "../disk/ballast.ts";
import type { Disk } from "../disk/disk.ts";
import { findingsOf } from "../disk/soundness.ts";
import { writeOver } from "../disk/wal.ts";
import type { Sessions } from "../queue/sessions.ts";
import type { RefusedMails } from "./refused-mails.ts";
import type { Store } from "./store.ts";

/** Pause before each attempt, in ms. */
const TRY_EACH = 5000;
/** The disk must write, flush and rename this many times in a row. */
const PROOFS = 3;

interface CureParts {
  readonly disk: Disk;
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessions: Sessions;
  readonly refused: RefusedMails;
  readonly reopen: () => Store;
  /** Moves the WAL into the database. Throws SQLite's error. */
  readonly moveWal: (store: Store) => void;
}

/** The way back from `sick`: close, prove the disk, open, check the database, put right what was in doubt. */
export class Cure {
  readonly #parts: CureParts;
  #timer: Timer | undefined;

  constructor(parts: CureParts) {
    this.#parts = parts;
  }

  /** Gives `lost` up and tries until the disk is proven; then `done` gets the new store. */
  begin(lost: Store, done: (store: Store) => void): void {
    this.giveUp(lost);
    this.#arm(done);
  }

  /** The next start puts right what is in doubt, where nobody does before. */
  giveUp(lost: Store): void {
    this.#parts.refused.add(lost.accepting.inDoubt);
    try {
      lost.database.close();
    } catch (error) {
      this.#parts.log.warn("the failed database connection could not be closed", { error: errorText(error) });
    }
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #arm(done: (store: Store) => void): void {
    this.#timer = this.#parts.clock.after(TRY_EACH, () => {
      const store = this.#try();
      if (store === undefined) this.#arm(done);
      else done(store);
    });
  }

  #try(): Store | undefined {
    const { disk, folder, log, reopen } = this.#parts;
    let store: Store | undefined;
    try {
      for (let proof = 0; proof < PROOFS; proof++) withBallast(folder, () => disk.prove(folder));
      store = withBallast(folder, reopen);
      checkSoundness(store.database);
      this.#putRight(store);
      return store;
    } catch (error) {
      log.error("the disk still fails", { error: errorText(error) });
      store?.database.close();
      return undefined;
    }
  }

  #putRight(store: Store): void {
    const { folder, clock, sessions, refused, moveWal } = this.#parts;
    const { database, recovering } = store;
    const putRight = database.transaction(() => {
      recovering.putBack(clock.now(), sessions);
      recovering.remove(refused.ids);
      // What is not seen yet cannot be removed, and who forgets it then would find it at the next start.
      writeOver(database);
    });
    putRight.immediate();
    // The proofs say nothing of the database itself, which may have been what failed.
    withBallast(folder, () => moveWal(store));
    refused.forget();
  }
}

/** Throws what is wrong with it. */
function checkSoundness(database: Database.Database): void {
  const findings = findingsOf(database);
  if (findings.length > 0) throw new Error(`the database is damaged: ${findings.join("; ")}`);
}
