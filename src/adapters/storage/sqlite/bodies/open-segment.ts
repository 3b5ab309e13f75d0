import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { flush, writeFully } from "./spool-file.ts";
import { placeIn } from "./spool-place.ts";

/** A body to be appended, with the functions that tell its caller the result. */
export interface WaitingBody {
  /** Must not change until the body is durable. */
  readonly chunks: readonly Buffer[];
  /** Bytes. */
  readonly size: number;
  resolve(place: string): void;
  reject(error: unknown): void;
}

/**
 * A segment to which bodies are appended. Written bodies are flushed automatically: when a flush ends, the next one
 * covers everything written meanwhile, and further bodies are written during it. After a failed write or flush the
 * segment accepts no more bodies.
 */
export class OpenSegment {
  readonly name: string;
  readonly #handle: FileHandle;
  #end = 0;
  /** Bodies that are written but not covered by a flush yet, and where each begins. */
  #written: [body: WaitingBody, start: number][] = [];
  #flushing: Promise<void> | undefined;
  #failure: unknown;
  #holds = false;

  private constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  /** Creates the file and flushes its name; rejects with the system's error. */
  static async create(folder: string, name: string): Promise<OpenSegment> {
    const file = join(folder, name);
    // A failed attempt may have left it. A new name for each attempt would leave names in the store, and files.
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

  /** Whether a body in it is durable. */
  get holds(): boolean {
    return this.#holds;
  }

  /** Resolves when the bodies are written; one call at a time. Each body is resolved, or rejected, on its own. */
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

  /** Flushes first, so that no body of a later segment becomes durable before those of this one. */
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
        // The pages written meanwhile may be lost as well.
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
