/** The memory of recipients, in memory, and a room of recipients that knows nothing but lists. */
import type { DirectoryReader } from "../../src/ports/directory.ts";
import type { Note, RecipientNotes, Remembered } from "../../src/ports/recipient-memory.ts";
import { Recipients } from "../../src/services/recipients/recipients.ts";
import { ManualClock } from "./manual-clock.ts";

export class FakeNotes implements RecipientNotes {
  readonly rows = new Map<string, Remembered>();
  /** Everything noted, in order. */
  readonly notes: (readonly [string, Note["kind"]])[] = [];

  find(key: string): Remembered {
    return this.rows.get(key) ?? {};
  }

  mayBeRefused(key: string): boolean {
    return this.find(key).refused !== undefined;
  }

  note(key: string, note: Note): void {
    this.notes.push([key, note.kind]);
    const { at, origin } = note;
    const known = this.rows.get(key);
    if (note.kind === "accepted") this.rows.set(key, { accepted: { at, origin } });
    else {
      const since = known?.refused?.since ?? at;
      this.rows.set(key, { ...known, refused: { since, at, origin, reply: note.reply } });
    }
  }

  lastAccepted(domain: string, from: number): string | undefined {
    const known = [...this.rows].filter(
      ([key, { accepted }]) => key.endsWith(`@${domain}`) && (accepted?.at ?? -1) >= from,
    );
    return known.toSorted(([, a], [, b]) => (b.accepted?.at ?? 0) - (a.accepted?.at ?? 0))[0]?.[0];
  }

  close(): void {}
}

/** No primary ever said anything, and none can be asked. */
export function recipientsOf(directory: Pick<DirectoryReader, "recipient">): Recipients {
  return new Recipients(directory, {
    memory: new FakeNotes(),
    clock: new ManualClock(),
    ask: async () => ({ kind: "away" }),
    takeStranger: () => true,
  });
}
