import { crc32 } from "node:zlib";
import type { BodyWriter } from "../../../../ports/intake.ts";
import { ownCopy } from "../../../../mail/own-copy.ts";
import { type Blocks, HeldOctets } from "./blocks.ts";
import type { StoredAs } from "../wire/mail-row.ts";
import type { SegmentWriter } from "./segment-writer.ts";
import { SpoolFile } from "./spool-file.ts";

/** Bodies up to this size become a row of the database, in bytes. */
const ROW_LIMIT = 16 * 1024;
/** Larger bodies up to this size are held in memory until they are complete, then written to a segment; in bytes. */
const HELD_LIMIT = 64 * 1024;

/** Where one thread puts bodies while they arrive. */
export interface BodyPlaces {
  readonly memory: Blocks;
  /** The spool. */
  readonly folder: string;
  readonly segments: SegmentWriter;
  readonly rowLimit?: number | undefined;
  readonly heldLimit?: number | undefined;
  /** A file could not be written. */
  readonly failed: (error: Error) => void;
}

/**
 * A body while it arrives. It is in memory while it is small and there is room, then in a file of its own. A body that
 * was still in memory when it was complete becomes a row, or is written to a segment.
 */
export class ArrivingBody implements BodyWriter {
  readonly #places: BodyPlaces;
  readonly #heldLimit: number;
  readonly #held: HeldOctets;
  #size = 0;
  #spool: SpoolFile | undefined;
  /** CRC-32 of what was written to the file. */
  #crc = 0;
  #finished = false;
  #closed = false;

  constructor(places: BodyPlaces) {
    this.#places = places;
    this.#held = new HeldOctets(places.memory);
    this.#heldLimit = places.heldLimit ?? HELD_LIMIT;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#closed || this.#finished) return Promise.reject(new Error("the body is closed"));
    this.#size += chunk.length;
    if (this.#spool !== undefined) return this.#append(this.#spool, chunk);
    if (this.#size <= this.#heldLimit && this.#held.add(chunk)) return undefined;
    return this.#moveToDisk(chunk);
  }

  async *read(): AsyncIterable<Buffer> {
    if (this.#spool !== undefined) yield* await this.#spool.read();
    else for (const piece of this.#held.pieces()) yield ownCopy(piece, 0);
  }

  /**
   * Ends the body. For a body in the spool, resolves with its place once it is durable, or rejects with the system's
   * error. For a body that is to be a row, returns undefined; `copyTo` works until `close`.
   */
  finish(): Promise<StoredAs> | undefined {
    // Its memory may already belong to another mail.
    if (this.#closed || this.#finished) return Promise.reject(new Error("the body is closed"));
    this.#finished = true;
    if (this.#spool !== undefined) return this.#finishFile(this.#spool);
    return this.#size > (this.#places.rowLimit ?? ROW_LIMIT) ? this.#finishInSegment() : undefined;
  }

  /** Writes a body in memory to `target`. */
  copyTo(target: Uint8Array): void {
    let at = 0;
    for (const piece of this.#held.pieces()) {
      target.set(piece, at);
      at += piece.length;
    }
  }

  /** Call it once the store has answered. `keepFile` says that the file now belongs to the store. */
  close(keepFile: boolean): void {
    this.#closed = true;
    this.#held.release();
    if (!keepFile) this.#spool?.discard();
  }

  abort(): void {
    // A finished body is being accepted, and the store's answer decides what happens to it.
    if (this.#finished) return;
    this.close(false);
  }

  async #finishFile(file: SpoolFile): Promise<StoredAs> {
    const spool = await file.finish();
    return { size: this.#size, spool, crc: this.#crc };
  }

  async #finishInSegment(): Promise<StoredAs> {
    const size = this.#size;
    const pieces = this.#held.pieces();
    const place = this.#places.segments.append(pieces, size);
    const crc = pieces.reduce((sum, piece) => crc32(piece, sum), 0);
    return { size, spool: await place, crc };
  }

  #moveToDisk(chunk: Buffer): Promise<void> | undefined {
    const spool = new SpoolFile(this.#places.folder, this.#places.failed);
    this.#spool = spool;
    for (const earlier of this.#held.pieces()) void this.#append(spool, earlier);
    this.#held.release();
    return this.#append(spool, chunk);
  }

  #append(spool: SpoolFile, chunk: Buffer): Promise<void> | undefined {
    this.#crc = crc32(chunk, this.#crc);
    return spool.write(chunk);
  }
}
