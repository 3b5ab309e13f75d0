import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { realDisk, type Disk } from "./disk.ts";
import { whyOf } from "./failure.ts";
import { judged } from "./quota.ts";

const BALLAST_FILE = "ballast";
/**
 * Bytes of a whole ballast. The WAL may hold 16 MB by which the database has yet to grow, and a WAL as large again may
 * come before that is done.
 */
export const WHOLE_BALLAST = 32 * 1024 * 1024;
/** Bytes given up at a time: several commits find room in it, and a program that takes all that is free gets no more. */
const PIECE = 1024 * 1024;

/**
 * Blocks of the disk that are ours. Other programs may take all that is free, the reserve too, and then not even the
 * delivery of a mail can be written down, by which its space would become free. So a file holds some, and loses its
 * end piece by piece where nothing else is left. What it lacks is no room for new mail.
 */
export class Ballast {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #log: Logger;
  /** It cannot be made, for a reason that waiting does not end. */
  #impossible = false;

  constructor(folder: string, disk: Disk, log: Logger) {
    this.#folder = folder;
    this.#disk = disk;
    this.#log = log;
  }

  /** Bytes that it has; undefined before it was made for the first time. */
  get left(): number | undefined {
    return sizeOf(fileIn(this.#folder));
  }

  get lacks(): number {
    return this.#impossible ? 0 : Math.max(0, WHOLE_BALLAST - (this.left ?? 0));
  }

  /** Makes it whole; false when there is no room for that. */
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

/** Runs `act`, and again with each piece of the ballast for as long as it finds no room. */
export function withBallast<T>(folder: string, act: () => T): T {
  for (;;)
    try {
      return act();
    } catch (error) {
      if (judged(error, { disk: realDisk, folder }).why !== "full" || !giveUpPiece(folder)) throw error;
    }
}

/**
 * Gives up a piece where hardly anything is free. SQLite maps a new file into memory at the start, and a page of it
 * that finds no block would end the process with SIGBUS, which nobody can catch.
 */
export function makeRoomToStart(folder: string): void {
  if (realDisk.space(folder).free < PIECE) giveUpPiece(folder);
}

/** False when there is none left. */
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

/** Undefined also where the disk does not tell; that it is sick is seen by who writes. */
function sizeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.size;
  } catch {
    return undefined;
  }
}
