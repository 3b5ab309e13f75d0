import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { withBallast } from "../disk/ballast.ts";
import { writeDurably } from "../disk/disk.ts";
import { usable } from "../disk/opening.ts";

const NOTE_FILE = "refused";

/**
 * Mails whose commit failed, so that their senders keep them, but which may be on the disk all the same. They must be
 * removed before anything is served. A note in the folder names them to the next process, in case this one ends before
 * the disk is well. The note is on the same disk as the mails, so it is mostly there if they are.
 */
export class RefusedMails {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #ids: Set<string>;

  /** Reads the note of the last process. Throws StoreUnusable. */
  constructor(folder: string, log: Logger) {
    this.#folder = folder;
    this.#log = log;
    this.#ids = new Set(readNote(this.#note));
  }

  get ids(): readonly string[] {
    return [...this.#ids];
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size === 0) return;
    try {
      const note = this.ids.map((id) => `${id}\n`).join("");
      withBallast(this.#folder, () => writeDurably(this.#note, note));
    } catch (error) {
      this.#log.error(
        "refused mail may be delivered after a restart, because its refusal could not be recorded",
        {
          error: errorText(error),
          ids: this.ids,
        },
      );
    }
  }

  /** Call it when the mails are durably removed. */
  forget(): void {
    rmSync(this.#note, { force: true });
    this.#ids.clear();
  }

  get #note(): string {
    return join(this.#folder, NOTE_FILE);
  }
}

function readNote(file: string): readonly string[] {
  return usable(file, () => (existsSync(file) ? readFileSync(file, "latin1").split("\n").slice(0, -1) : []));
}
