/** Stores until when the ages of mail are in doubt, so that a restart before that time does not forget it. */
import { readFileSync } from "node:fs";
import { open, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const NOTE_FILE = "doubted";

export interface DoubtNote {
  /** Returns ms since 1970; undefined if there is no readable note. */
  read(): number | undefined;
  /** The note is on the disk when this resolves. Rejects with the system's error; the file is then the old or the new. */
  write(until: number): Promise<void>;
}

export function doubtNote(folder: string): DoubtNote {
  const file = join(folder, NOTE_FILE);
  return {
    read: () => {
      const until = Number(readText(file).trim() || undefined);
      return Number.isFinite(until) ? until : undefined;
    },
    write: async (until) => {
      await writeFile(`${file}.tmp`, `${until}\n`, { mode: 0o600, flush: true });
      await rename(`${file}.tmp`, file);
      await using name = await open(folder, "r");
      await name.sync();
    },
  };
}

/** Returns an empty text if the file cannot be read: starting without the note is better than not starting. */
function readText(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
