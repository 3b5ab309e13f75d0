import { randomBytes } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { flush, writeFully } from "./spool-file.ts";
import { placeIn } from "./spool-place.ts";

/** Bytes after which a segment is left for a new one. */
export const SEGMENT_SIZE = 32 * 1024 * 1024;
/** Bytes that are written and flushed together. */
const MOST_TOGETHER = 4 * 1024 * 1024;

interface SegmentParts {
  /** The spool. */
  readonly folder: string;
  /** Resolves when the store knows that the segment is in use, and so will not sweep it away. */
  readonly begins: (name: string) => Promise<void>;
  /** Bytes after which a segment is left for a new one. */
  readonly size: number;
}

interface Waiting {
  readonly chunks: readonly Buffer[];
  readonly size: number;
  resolve(place: string): void;
  reject(error: unknown): void;
}

interface Segment {
  readonly name: string;
  readonly handle: FileHandle;
  end: number;
}

/**
 * Appends bodies of one thread to a file that they share. All that wait when a flush ends are written and flushed
 * together, as a commit does with rows; a body costs one write this way, where a row costs two and a file of its own
 * two flushes. After a write or a flush that failed nothing more goes to that segment.
 */
export class SegmentWriter {
  readonly #parts: SegmentParts;
  #segment: Segment | undefined;
  /** The name of a segment that the store knows and that holds nothing yet. */
  #spare: string | undefined;
  #waiting: Waiting[] = [];
  #running = false;
  #closed = false;

  constructor(parts: SegmentParts) {
    this.#parts = parts;
  }

  /** Answers its place, once it is durable; rejects with the system's error. The chunks must stay as they are. */
  append(chunks: readonly Buffer[], size: number): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ chunks, size, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** What waits is still written. */
  close(): void {
    this.#closed = true;
    if (!this.#running) void this.#leave();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // Bodies that became complete in the same turn go together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#writeTogether(this.#take());
    this.#running = false;
    if (this.#closed) await this.#leave();
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let taken = 0;
    for (; taken < this.#waiting.length && bytes < MOST_TOGETHER; taken++)
      bytes += this.#waiting[taken]?.size ?? 0;
    return this.#waiting.splice(0, taken);
  }

  async #writeTogether(bodies: readonly Waiting[]): Promise<void> {
    try {
      const segment = await this.#withRoom();
      const chunks = bodies.flatMap((body) => body.chunks);
      await writeFully(segment.handle, chunks);
      await segment.handle.datasync();
      this.#spare = undefined;
      for (const { size, resolve } of bodies) {
        resolve(placeIn(segment.name, segment.end));
        segment.end += size;
      }
    } catch (error) {
      for (const { reject } of bodies) reject(error);
      await this.#leave();
    }
  }

  async #withRoom(): Promise<Segment> {
    if (this.#segment !== undefined && this.#segment.end < this.#parts.size) return this.#segment;
    await this.#leave();
    const { folder, begins } = this.#parts;
    const name = this.#spare ?? randomBytes(16).toString("hex");
    if (this.#spare === undefined) await begins(name);
    this.#spare = name;
    const file = join(folder, name);
    // Of an attempt that failed. A new name for each would stay with the store, and its file on the disk.
    await rm(file, { force: true });
    this.#segment = { name, handle: await open(file, "wx", 0o600), end: 0 };
    await flush(folder);
    return this.#segment;
  }

  async #leave(): Promise<void> {
    const segment = this.#segment;
    this.#segment = undefined;
    await segment?.handle.close().catch(() => {});
  }
}
