/**
 * A file that is written beside the file that it will replace, readable by its owner only, and renamed when it is
 * complete.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { realpath, rename, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";

/** Signals that end the tool: from an operator, or from a terminal that is closed. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The file is removed when its scope or the tool ends, unless it has replaced its target. */
export class PartFile implements Disposable {
  readonly #target: string;
  readonly #path: string;

  private constructor(target: string) {
    this.#target = target;
    this.#path = `${target}.${randomBytes(6).toString("hex")}.part`;
    for (const signal of ENDINGS) process.once(signal, this.#end);
  }

  /** Makes the file beside the target of `file`: a symbolic link stays a link. */
  static async beside(file: string): Promise<PartFile> {
    return new PartFile(await realpath(file).catch(() => file));
  }

  /** Resolves when the content is on the disk: an operator who has an export may delete the mail next. */
  fill(content: Readable): Promise<void> {
    return writeFile(this.#path, content, { flag: "wx", mode: 0o600, flush: true });
  }

  takePlace(): Promise<void> {
    return rename(this.#path, this.#target);
  }

  [Symbol.dispose](): void {
    for (const signal of ENDINGS) process.off(signal, this.#end);
    rmSync(this.#path, { force: true });
  }

  readonly #end = (signal: NodeJS.Signals): void => {
    this[Symbol.dispose]();
    process.kill(process.pid, signal);
  };
}
