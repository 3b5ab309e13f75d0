/**
 * Bodies as they leave the store. SQLite has no checksums of its pages, and files have none at all: what a disk
 * changed would go to the primary as it is, and be gone here. So a body that comes from the disk is compared with
 * the hash under which it was accepted, and its reader never sees the end of one that differs.
 */
import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { type Body, BodyDamaged, type BodySource } from "../../../ports/stored-body.ts";
import { digestOf } from "./body-digest.ts";
import { placeOf } from "./spool-place.ts";

export interface StoredBody {
  readonly size: number;
  /** SHA-256 in hexadecimal; absent where there is nothing to compare. */
  readonly hash?: string | undefined;
}

/** A body that was a row. */
export function bodyInMemory(content: ArrayBuffer, { size, hash }: StoredBody): Body {
  const buffer = Buffer.from(content);
  const read = (): Buffer => {
    if (hash !== undefined) compare({ size, hash }, buffer.length, digestOf(buffer));
    return buffer;
  };
  return { size, read };
}

/** A body in the spool. */
export function bodyInSpool(folder: string, spool: string, stored: StoredBody): Body {
  const { name, start = 0 } = placeOf(spool);
  return { size: stored.size, read: () => new SpooledBody(join(folder, name), start, stored) };
}

/** A body of which there is nothing. */
export function lostBody(size: number): Body {
  const read = (): never => {
    throw new BodyDamaged("its body is gone");
  };
  return { size, read };
}

/** Opened when it is first read. */
class SpooledBody implements BodySource {
  readonly #file: string;
  readonly #start: number;
  readonly #stored: StoredBody;
  readonly #hash = createHash("sha256");
  #size = 0;
  #handle: FileHandle | undefined;

  constructor(file: string, start: number, stored: StoredBody) {
    this.#file = file;
    this.#start = start;
    this.#stored = stored;
  }

  async read(target: Buffer): Promise<number> {
    this.#handle ??= await open(this.#file);
    const { size, hash } = this.#stored;
    const length = Math.min(target.length, size - this.#size);
    const bytesRead = length === 0 ? 0 : await this.#readAt(target, length);
    if (hash === undefined) return bytesRead;
    if (bytesRead > 0) this.#hash.update(target.subarray(0, bytesRead));
    else compare({ size, hash }, this.#size, this.#hash.digest("hex"));
    return bytesRead;
  }

  async #readAt(target: Buffer, length: number): Promise<number> {
    const { bytesRead = 0 } = (await this.#handle?.read(target, 0, length, this.#start + this.#size)) ?? {};
    this.#size += bytesRead;
    return bytesRead;
  }

  /** What was read was read, and nothing was written: that a file cannot be closed is no fault of the mail. */
  async close(): Promise<void> {
    await this.#handle?.close().catch(() => {});
  }
}

/** Throws BodyDamaged. */
function compare(stored: Required<StoredBody>, size: number, hash: string): void {
  if (size !== stored.size) throw new BodyDamaged(`its body has ${size} octets instead of ${stored.size}`);
  if (hash !== stored.hash) throw new BodyDamaged("its body has another SHA-256 than when it was accepted");
}
