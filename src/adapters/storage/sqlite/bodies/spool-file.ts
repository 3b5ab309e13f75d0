import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Blocks, HeldOctets } from "./blocks.ts";

/** Bytes that may wait for the disk before the writer of one body is asked to pause. */
const UNWRITTEN_LIMIT = 128 * 1024;
/** The same for all bodies of the thread. */
const UNWRITTEN_IN_ALL = 2 * 1024 * 1024;
/** Bytes of a written body that are read at a time. */
const READ_SIZE = 64 * 1024;

let unwrittenInAll = 0;

/** Memory for octets that wait for the disk. It is bounded because writers are asked to pause. */
const MEMORY = new Blocks(Infinity);

/** A body in a file of its own: written while it arrives, flushed and renamed when it is complete. */
export class SpoolFile {
  readonly #folder: string;
  readonly #failed: (error: Error) => void;
  readonly #name = randomBytes(16).toString("hex");
  #waiting = new HeldOctets(MEMORY);
  #unwritten = 0;
  #handle: FileHandle | undefined;
  #pump: Promise<void> | undefined;
  #failure: Error | undefined;

  /** `failed` is called when a write fails, whether or not a caller waits for that write. */
  constructor(folder: string, failed: (error: Error) => void) {
    this.#folder = folder;
    this.#failed = failed;
  }

  /** If it returns a promise, wait for that before the next chunk. It rejects if a write fails. */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.#failure !== undefined) return heeded(Promise.reject(this.#failure));
    this.#waiting.add(chunk);
    this.#count(chunk.length);
    this.#pump ??= this.#writeAll();
    const full = this.#unwritten > UNWRITTEN_LIMIT || unwrittenInAll > UNWRITTEN_IN_ALL;
    return full ? heeded(this.#settled()) : undefined;
  }

  /** Reads what was written; only before `finish`. */
  async read(): Promise<Readable> {
    await this.#settled();
    return createReadStream(this.#path(".tmp"), { highWaterMark: READ_SIZE });
  }

  /** Flushes the file and its name, and resolves with the name. If that fails, removes the file and rejects. */
  async finish(): Promise<string> {
    try {
      await this.#settled();
      const handle = this.#handle ?? (await this.#open());
      await handle.sync();
      await this.#closeHandle();
      await rename(this.#path(".tmp"), this.#path(""));
      await flush(this.#folder);
      return this.#name;
    } catch (error) {
      this.discard();
      throw error;
    }
  }

  /** Removes the file, complete or not. */
  discard(): void {
    this.#failure ??= new Error("the body was thrown away");
    void this.#remove();
  }

  async #remove(): Promise<void> {
    await this.#pump?.catch(() => {});
    await this.#closeHandle().catch(() => {});
    // A file that cannot be removed is an orphan, which the sweep will find.
    for (const suffix of [".tmp", ""]) await rm(this.#path(suffix), { force: true }).catch(() => {});
  }

  async #settled(): Promise<void> {
    await this.#pump;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #writeAll(): Promise<void> {
    try {
      const handle = this.#handle ?? (await this.#open());
      while (this.#waiting.size > 0 && this.#failure === undefined) await this.#writeOut(handle);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      this.#failed(this.#failure);
    } finally {
      if (this.#failure !== undefined) {
        this.#waiting.release();
        this.#count(-this.#unwritten);
      }
      this.#pump = undefined;
    }
  }

  async #writeOut(handle: FileHandle): Promise<void> {
    const octets = this.#waiting;
    const { size } = octets;
    this.#waiting = new HeldOctets(MEMORY);
    try {
      await writeFully(handle, octets.pieces());
    } finally {
      octets.release();
    }
    this.#count(-size);
  }

  async #open(): Promise<FileHandle> {
    this.#handle = await open(this.#path(".tmp"), "wx", 0o600);
    return this.#handle;
  }

  async #closeHandle(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  #path(suffix: string): string {
    return join(this.#folder, this.#name + suffix);
  }

  #count(bytes: number): void {
    this.#unwritten += bytes;
    unwrittenInAll += bytes;
  }
}

/** Prevents an unhandled rejection, which would end the thread, if the caller no longer waits for the promise. */
function heeded(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}

export async function writeFully(handle: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await handle.writev(chunks);
  if (bytesWritten === bytesOf(chunks)) return;
  // It was a short write. If there is a reason, the next write fails with it.
  let rest = Buffer.concat(chunks).subarray(bytesWritten);
  while (rest.length > 0) rest = rest.subarray((await handle.write(rest)).bytesWritten);
}

function bytesOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((bytes, chunk) => bytes + chunk.length, 0);
}

export async function flush(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
