import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { withBallast } from "../disk/ballast.ts";
import { writeDurably } from "../disk/disk.ts";
import { usable } from "../disk/opening.ts";

const NOTE_FILE = "refused";

/**
 * Mails whose commit failed, so that their senders keep them, and which may have reached the disk all the same. They
 * are to be removed before anything is served. A note in the folder lets the next process know them, should this one
 * end before the disk is well: it goes to the same disk as the commit did, so it is mostly there when they are.
 */
export class RefusedMails {
  readonly #folder: string;
  readonly #log: Logger;
  readonly #ids: Set<string>;

  /** Begins with those that the last process left. Throws StoreUnusable. */
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

  /** They are removed, durably. */
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
