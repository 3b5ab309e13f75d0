/**
 * A file that is written beside the one that it is to replace, for its owner's eyes alone, and takes its place when
 * whole.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { realpath, rename, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";

/** What an operator, or a terminal that is closed, ends the tool with. */
const ENDINGS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Nothing of it is left behind when its scope or the tool ends, unless it has taken its place. */
export class PartFile implements Disposable {
  readonly #target: string;
  readonly #path: string;

  private constructor(target: string) {
    this.#target = target;
    this.#path = `${target}.${randomBytes(6).toString("hex")}.part`;
    for (const signal of ENDINGS) process.once(signal, this.#end);
  }

  /** Beside what `file` means: a link goes on leading where it leads. */
  static async beside(file: string): Promise<PartFile> {
    return new PartFile(await realpath(file).catch(() => file));
  }

  /** On the disk when it resolves: whoever has an export may delete the mail next. */
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
