import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { flush, writeFully } from "./spool-file.ts";
import { placeIn } from "./spool-place.ts";

/** A body that is to be appended, and who waits for it. */
export interface WaitingBody {
  /** They must stay as they are until it is durable. */
  readonly chunks: readonly Buffer[];
  /** Bytes. */
  readonly size: number;
  resolve(place: string): void;
  reject(error: unknown): void;
}

/**
 * A segment while it is appended to. What was written is flushed by itself: all of it that waits when a flush ends
 * goes into the next, and the next bodies are written meanwhile. After a write or a flush that failed it takes no more.
 */
export class OpenSegment {
  readonly name: string;
  readonly #handle: FileHandle;
  #end = 0;
  /** Bodies that no flush covers yet, and where each begins. */
  #written: [body: WaitingBody, start: number][] = [];
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #holds = false;

  private constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /** Its name in the folder is on the disk; rejects with the system's error. */
  static async create(folder: string, name: string): Promise<OpenSegment> {
    const file = join(folder, name);
    // Left by an attempt that failed: a new name for each would leave names with the store, and files on the disk.
    await rm(file, { force: true });
    const segment = new OpenSegment(name, await open(file, "wx", 0o600));
    try {
      await flush(folder);
      return segment;
    } catch (error) {
      await segment.close();
      throw error;
    }
  }

  /** Bytes written. */
  get end(): number {
    return this.#end;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** A body of it is durable. */
  get holds(): boolean {
    return this.#holds;
  }

  /** Ends when they are written; one call at a time. Who waits for them hears the place, or the system's error. */
  async write(bodies: readonly WaitingBody[]): Promise<void> {
    try {
      await writeFully(
        this.#handle,
        bodies.flatMap(({ chunks }) => chunks),
      );
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.failed) return this.#refuse(bodies);
    for (const body of bodies) {
      this.#written.push([body, this.#end]);
      this.#end += body.size;
    }
    this.#flushing ??= this.#flushAll();
  }

  /** What was written is flushed first, so that no body of a later segment is durable before one of this. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#handle.close().catch(() => {});
  }

  async #flushAll(): Promise<void> {
    while (this.#written.length > 0) {
      const covered = this.#written;
      this.#written = [];
      try {
        await this.#handle.datasync();
        this.#holds = true;
        for (const [{ resolve }, start] of covered) resolve(placeIn(this.name, start));
      } catch (error) {
        this.#failure ??= error;
        // Nobody knows what became of the pages written meanwhile.
        this.#refuse([...covered, ...this.#written].map(([body]) => body));
        this.#written = [];
      }
    }
    this.#flushing = undefined;
  }

  #refuse(bodies: readonly WaitingBody[]): void {
    for (const { reject } of bodies) reject(this.#failure);
  }
}
