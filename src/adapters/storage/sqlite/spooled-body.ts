import { open, type FileHandle } from "node:fs/promises";
import type { BodySource } from "../../../ports/queue.ts";

/** A stored body in its file, which is opened when it is first read. */
export class SpooledBody implements BodySource {
  readonly #file: string;
  #handle: FileHandle | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async read(target: Buffer): Promise<number> {
    this.#handle ??= await open(this.#file);
    return (await this.#handle.read(target)).bytesRead;
  }

  /** What was read was read, and nothing was written: that a file cannot be closed is no fault of the mail. */
  async close(): Promise<void> {
    await this.#handle?.close().catch(() => {});
  }
}
