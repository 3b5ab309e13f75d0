/** SHA-256 of a body; in one call where the body comes in one piece, which costs half. */
import { createHash, hash, type Hash } from "node:crypto";

export class BodyHash {
  #whole: string | undefined;
  #parts: Hash | undefined;

  /** Takes the next piece; `last` where no other follows. */
  update(piece: Buffer, last: boolean): void {
    if (last && this.#parts === undefined) this.#whole = hash("sha256", piece, "hex");
    else (this.#parts ??= createHash("sha256")).update(piece);
  }

  /** In hexadecimal. */
  digest(): string {
    return this.#whole ?? (this.#parts ?? createHash("sha256")).digest("hex");
  }
}
