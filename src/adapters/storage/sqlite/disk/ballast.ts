import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { realDisk, type Disk } from "./disk.ts";
import { whyOf } from "./failure.ts";
import { judged } from "./quota.ts";

const BALLAST_FILE = "ballast";
/**
 * Size of a complete ballast in bytes. The WAL may hold 16 MB by which the database has yet to grow, and another 16 MB
 * may be added to the WAL before the database has grown.
 */
export const WHOLE_BALLAST = 32 * 1024 * 1024;
/** Bytes released at a time: room for several commits, while a program that takes all free space gets little of it. */
const PIECE = 1024 * 1024;

/**
 * A file that reserves disk blocks for us. Other programs may use up all free space, including the reserve. Without the
 * ballast, not even the delivery of a mail could then be recorded, although that frees the space of the mail. The file
 * is shortened piece by piece when no other space is left. Space that the ballast lacks does not count as room for new
 * mail.
 */
export class Ballast {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #log: Logger;
  /** The file cannot be created, for a reason that will not go away by itself. */
  #impossible = false;

  constructor(folder: string, disk: Disk, log: Logger) {
    this.#folder = folder;
    this.#disk = disk;
    this.#log = log;
  }

  /** Current size in bytes; undefined before it was created for the first time. */
  get left(): number | undefined {
    return sizeOf(fileIn(this.#folder));
  }

  get lacks(): number {
    return this.#impossible ? 0 : Math.max(0, WHOLE_BALLAST - (this.left ?? 0));
  }

  /** Fills the ballast completely; returns false if there is no room for that. */
  fill(): boolean {
    if (this.lacks === 0) return true;
    try {
      this.#disk.fill(fileIn(this.#folder), WHOLE_BALLAST);
    } catch (error) {
      if (whyOf(error) === "full") return false;
      this.#impossible = true;
      this.#log.warn("there is no ballast: deliveries will stop when the disk is full", {
        error: errorText(error),
      });
    }
    return true;
  }

  giveUp(): boolean {
    return giveUpPiece(this.#folder);
  }
}

/** Runs `act`. While it fails for lack of space, releases a piece of the ballast and runs it again. */
export function withBallast<T>(folder: string, act: () => T): T {
  for (;;)
    try {
      return act();
    } catch (error) {
      if (judged(error, { disk: realDisk, folder }).why !== "full" || !giveUpPiece(folder)) throw error;
    }
}

/**
 * Releases a piece if hardly any space is free. At the start SQLite maps a new file into memory, and a page of it for
 * which the disk has no block would end the process with SIGBUS, which cannot be caught.
 */
export function makeRoomToStart(folder: string): void {
  if (realDisk.space(folder).free < PIECE) giveUpPiece(folder);
}

/** Returns false if nothing is left of the ballast. */
function giveUpPiece(folder: string): boolean {
  const file = fileIn(folder);
  const left = sizeOf(file) ?? 0;
  try {
    if (left > 0) truncateSync(file, Math.max(0, left - PIECE));
    return left > 0;
  } catch {
    return false;
  }
}

function fileIn(folder: string): string {
  return join(folder, BALLAST_FILE);
}

/** Also undefined if the disk fails: the next write notices that the disk is sick. */
function sizeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}
