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
/** How many times in a row the disk must write, flush and rename a file. */
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

/** Leads back from `sick`: closes the database, proves the disk, opens and checks the database, resolves all doubts. */
export class Cure {
  readonly #parts: CureParts;
  #timer: Timer | undefined;

  constructor(parts: CureParts) {
    this.#parts = parts;
  }

  /** Closes `lost` and tries until the disk is proven; then calls `done` with the new store. */
  begin(lost: Store, done: (store: Store) => void): void {
    this.giveUp(lost);
    this.#arm(done);
  }

  /** Closes `lost` and notes the mails in doubt; if no cure follows, the next start removes them. */
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
      // A failed commit that is still invisible cannot be removed, and would appear at the next start: overwrite it.
      writeOver(database);
    });
    putRight.immediate();
    // The proofs used another file; the disk may have failed at the database itself.
    withBallast(folder, () => moveWal(store));
    refused.forget();
  }
}

/** Throws an error with the findings if the database is damaged. */
function checkSoundness(database: Database.Database): void {
  const findings = findingsOf(database);
  if (findings.length > 0) throw new Error(`the database is damaged: ${findings.join("; ")}`);
}
