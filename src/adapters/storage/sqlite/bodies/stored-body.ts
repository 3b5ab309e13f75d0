/**
 * Bodies that are read from the store. Neither pages of SQLite nor files have checksums: a body that the disk changed
 * would be delivered as it is, and then be deleted here. So a body from the disk is compared with its checksum from
 * acceptance, and its reader never gets the end of a body that differs. A CRC-32 suffices, because it only has to find
 * accidents, and it takes a tenth of the time of a cryptographic hash.
 */
import { createHash, hash, type Hash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { type Body, BodyDamaged, type BodySource } from "../../../../ports/stored-body.ts";
import { placeOf, spoolIn } from "./spool-place.ts";

export interface StoredBody {
  readonly size: number;
  /** CRC-32; null if the body need not be compared. */
  readonly crc: number | null;
}

/** Returns a body that was read from a row. */
export function bodyInMemory(content: ArrayBuffer, stored: StoredBody): Body {
  const buffer = Buffer.from(content);
  return {
    size: stored.size,
    read: () => {
      if (stored.crc !== null) compare(stored, buffer.length, crc32(buffer));
      return buffer;
    },
    digest: () => hash("sha256", buffer, "hex"),
  };
}

/** File and offset at which a body begins. */
export interface FilePlace {
  readonly file: string;
  readonly start: number;
}

/** Returns the place of a body in the spool; `folder` is the data folder. */
export function placeInFile(folder: string, spool: string): FilePlace {
  const { name, start = 0 } = placeOf(spool);
  return { file: join(spoolIn(folder), name), start };
}

/** Returns a body that is read from a file. */
export function bodyInFile(place: FilePlace, stored: StoredBody): Body {
  let last: SpooledBody | undefined;
  return {
    size: stored.size,
    read: () => (last = new SpooledBody(place, stored)),
    digest: () => last?.digest,
  };
}

/** Returns a body whose content is lost; reading it throws BodyDamaged. */
export function lostBody(size: number): Body {
  const read = (): never => {
    throw new BodyDamaged("its body is gone");
  };
  return { size, read, digest: () => undefined };
}

/** Reads a body from a file, which is opened at the first read. */
class SpooledBody implements BodySource {
  /** SHA-256 in hexadecimal, once the body was read to its end. */
  digest: string | undefined;
  readonly #place: FilePlace;
  readonly #stored: StoredBody;
  readonly #hash: Hash = createHash("sha256");
  #crc = 0;
  #size = 0;
  #handle: FileHandle | undefined;

  constructor(place: FilePlace, stored: StoredBody) {
    this.#place = place;
    this.#stored = stored;
  }

  async read(target: Buffer): Promise<number> {
    this.#handle ??= await open(this.#place.file);
    const length = Math.min(target.length, this.#stored.size - this.#size);
    const position = this.#place.start + this.#size;
    const { bytesRead } = length === 0 ? NOTHING : await this.#handle.read(target, 0, length, position);
    if (bytesRead > 0) this.#add(target.subarray(0, bytesRead));
    else this.#end();
    return bytesRead;
  }

  /** Ignores errors: nothing was written, and everything was read already. */
  async close(): Promise<void> {
    await this.#handle?.close().catch(() => {});
  }

  #add(piece: Buffer): void {
    this.#size += piece.length;
    this.#crc = crc32(piece, this.#crc);
    this.#hash.update(piece);
  }

  #end(): void {
    compare(this.#stored, this.#size, this.#crc);
    this.digest ??= this.#hash.digest("hex");
  }
}

const NOTHING = { bytesRead: 0 };

/** Throws BodyDamaged. */
function compare(stored: StoredBody, size: number, crc: number): void {
  if (size !== stored.size) throw new BodyDamaged(`its body has ${size} octets instead of ${stored.size}`);
  if (stored.crc !== null && crc !== stored.crc)
    throw new BodyDamaged("its body has another checksum than when it was accepted");
}
