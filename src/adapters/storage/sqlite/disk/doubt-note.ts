/** Until when the ages of mail are doubted, for a daemon that is started again before that. */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

const NOTE_FILE = "doubted";

export interface DoubtNote {
  /** Ms since 1970; undefined where there is none that can be read. */
  read(): number | undefined;
  /** Rejects with what the system says; then what was written before stays. */
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
    },
  };
}

/** To doubt nothing is better than not to start. */
function readText(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
