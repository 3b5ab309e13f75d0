import type { MessagePort } from "node:worker_threads";
import type {
  Note,
  RecipientMemory,
  RecipientNotes,
  Remembered,
  Teller,
} from "../../../ports/recipient-memory.ts";
import { openChannel } from "../../../runtime/channel.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { openMailReader } from "./connection.ts";
import { NoteLine } from "./note-line.ts";
import type { MemoryMethods } from "./wire.ts";

interface RefusedRow {
  readonly since: number;
  readonly at: number;
  readonly origin: Teller;
  readonly reply: string;
}

interface AcceptedRow {
  readonly at: number;
  readonly origin: Teller;
}

/** What primaries said of addresses, on a connection of its own that only reads. */
export function openRecipientMemory(folder: string): RecipientMemory {
  const database = openMailReader(folder);
  const accepted = database.prepare<[string], AcceptedRow>(
    "SELECT at, origin FROM accepted WHERE address = ?",
  );
  const refused = database.prepare<[string], RefusedRow>(
    "SELECT since, at, origin, reply FROM refused WHERE address = ?",
  );
  const last = database
    .prepare<[string, number], string>(
      `SELECT address FROM accepted WHERE substr(address, instr(address, '@') + 1) = ? AND at >= ?
       ORDER BY at DESC LIMIT 1`,
    )
    .pluck();
  return {
    find: (key) => {
      const [yes, no] = [accepted.get(key), refused.get(key)];
      return { ...(yes !== undefined && { accepted: yes }), ...(no !== undefined && { refused: no }) };
    },
    lastAccepted: (domain, from) => last.get(domain, from),
    close: () => void database.close(),
  };
}

/** The same for who learns, over a line to the storage thread of role `memory`. */
export function openRecipientNotes(
  port: MessagePort,
  { folder, clock }: { folder: string; clock: Clock },
): RecipientNotes {
  const channel = openChannel<MemoryMethods>(port);
  const stored = openRecipientMemory(folder);
  const line = new NoteLine<Note>(clock, (notes) =>
    channel.call(
      "learn",
      [...notes].map(([address, note]) => ({ address, note })),
    ),
  );
  return {
    ...stored,
    find: (key) => withNote(stored.find(key), line.find(key)),
    note: (key, note) => line.note(key, note),
  };
}

/** What will be stored once the note is. */
function withNote(known: Remembered, note: Note | undefined): Remembered {
  if (note === undefined) return known;
  const { at, origin } = note;
  if (note.kind === "accepted") return { accepted: { at, origin } };
  return { ...known, refused: { since: known.refused?.since ?? at, at, origin, reply: note.reply } };
}
