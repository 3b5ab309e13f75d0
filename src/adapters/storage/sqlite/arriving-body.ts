import type { BodyWriter } from "../../../ports/queue.ts";
import { HeldChunks } from "./held-chunks.ts";
import { SpoolFile } from "./spool-file.ts";

/** Bodies up to this size become a row of the database, in bytes. */
export const INLINE_LIMIT = 64 * 1024;

/** Bytes of bodies that one thread holds in memory. */
export class BodyMemory {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False when the limit would be passed; nothing is taken then. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#used -= bytes;
  }
}

/** Where bodies of one thread go while they arrive. */
export interface BodyPlaces {
  readonly memory: BodyMemory;
  /** Of spool files. */
  readonly folder: string;
  readonly inlineLimit?: number | undefined;
  /** A file could not be written. */
  readonly failed: (error: Error) => void;
}

/** A body while it arrives: in memory while it is small and there is room, in a spool file from then on. */
export class ArrivingBody implements BodyWriter {
  readonly #places: BodyPlaces;
  readonly #memory: BodyMemory;
  readonly #inlineLimit: number;
  readonly #chunks = new HeldChunks();
  #held = 0;
  #size = 0;
  #spool: SpoolFile | undefined;
  #finished = false;
  #closed = false;

  constructor(places: BodyPlaces) {
    this.#places = places;
    this.#memory = places.memory;
    this.#inlineLimit = places.inlineLimit ?? INLINE_LIMIT;
  }

  get size(): number {
    return this.#size;
  }

  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#closed || this.#finished) return Promise.reject(new Error("the body is closed"));
    this.#size += chunk.length;
    if (this.#spool !== undefined) return this.#spool.write(chunk);
    if (this.#size <= this.#inlineLimit && this.#memory.take(chunk.length)) {
      this.#held += chunk.length;
      this.#chunks.add(chunk);
      return undefined;
    }
    return this.#moveToDisk(chunk);
  }

  async *read(): AsyncIterable<Buffer> {
    if (this.#spool !== undefined) yield* await this.#spool.read();
    else yield* this.#chunks.look();
  }

  /**
   * Nothing more will be written. A body in a file: its name, once it is durable; rejects with the system's error.
   * A body in memory: undefined; `copyTo` has it until it is closed.
   */
  finish(): Promise<string> | undefined {
    this.#finished = true;
    return this.#spool?.finish();
  }

  /** Writes a body in memory to `target` from `start` on; answers where it ends. */
  copyTo(target: Uint8Array, start: number): number {
    let at = start;
    for (const chunk of this.#chunks.take()) {
      target.set(chunk, at);
      at += chunk.length;
    }
    return at;
  }

  /** The store has answered; the file stays when it now belongs to the store. */
  close(keepFile: boolean): void {
    this.#end();
    if (!keepFile) this.#spool?.discard();
  }

  abort(): void {
    // What is being accepted belongs to the store; only its answer decides what becomes of it.
    if (this.#finished || this.#closed) return;
    this.close(false);
  }

  #moveToDisk(chunk: Buffer): Promise<void> | undefined {
    const spool = new SpoolFile(this.#places.folder, this.#places.failed);
    this.#spool = spool;
    for (const earlier of this.#chunks.take()) void spool.write(earlier);
    this.#memory.release(this.#held);
    this.#held = 0;
    return spool.write(chunk);
  }

  #end(): void {
    this.#closed = true;
    this.#chunks.take();
    this.#memory.release(this.#held);
    this.#held = 0;
  }
}
