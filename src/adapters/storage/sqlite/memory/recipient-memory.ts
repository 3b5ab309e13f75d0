import type { MessagePort } from "node:worker_threads";
import type {
  Note,
  RecipientMemory,
  RecipientNotes,
  Remembered,
  Teller,
} from "../../../../ports/recipient-memory.ts";
import { openChannel } from "../../../../runtime/channel.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { errorText, type Logger } from "../../../../runtime/log.ts";
import { openMailReader } from "../disk/connection.ts";
import { REFUSED_FOR } from "./learning.ts";
import { NoteLine } from "./note-line.ts";
import { refusedFilter, type SharedState } from "../wire/shared-state.ts";
import type { MemoryMethods } from "../wire/wire.ts";

interface Row {
  readonly accepted_at: number | null;
  readonly accepted_origin: Teller | null;
  readonly since: number | null;
  readonly at: number | null;
  readonly origin: Teller | null;
  readonly reply: string | null;
}

/** How to read the store. */
interface MemoryPlace {
  readonly folder: string;
  readonly shared: SharedState;
}

/** Reads what primaries replied about addresses, on its own read-only connection. */
export function openRecipientMemory({ folder, shared }: MemoryPlace): RecipientMemory {
  const refused = refusedFilter(shared);
  const database = openMailReader(folder);
  // One query for both tables.
  const both = database.prepare<{ readonly key: string }, Row>(
    `SELECT a.at AS accepted_at, a.origin AS accepted_origin, r.since, r.at, r.origin, r.reply
     FROM (SELECT @key AS key) k LEFT JOIN accepted a ON a.address = k.key LEFT JOIN refused r ON r.address = k.key`,
  );
  const last = database
    .prepare<[string, number], string>(
      `SELECT address FROM accepted WHERE substr(address, instr(address, '@') + 1) = ? AND at >= ?
       ORDER BY at DESC LIMIT 1`,
    )
    .pluck();
  return {
    find: (key) => rememberedOf(both.get({ key })),
    mayBeRefused: (key) => refused.mayHold(key),
    lastAccepted: (domain, from) => last.get(domain, from),
    close: () => void database.close(),
  };
}

function rememberedOf(row: Row | undefined): Remembered {
  if (row === undefined) return {};
  const { accepted_at, accepted_origin, since, at, origin, reply } = row;
  return {
    ...(accepted_at !== null &&
      accepted_origin !== null && { accepted: { at: accepted_at, origin: accepted_origin } }),
    ...(since !== null &&
      at !== null &&
      origin !== null && { refused: { since, at, origin, reply: reply ?? "" } }),
  };
}

/**
 * The same for the thread that also writes, over a port of role `memory` to the storage thread. Records that cannot be
 * read count as unknown.
 */
export function openRecipientNotes(
  port: MessagePort,
  { clock, log, ...place }: MemoryPlace & { readonly clock: Clock; readonly log: Logger },
): RecipientNotes {
  const channel = openChannel<MemoryMethods>(port);
  const stored = undaunted(openRecipientMemory(place), log);
  const line = new NoteLine<Note>(clock, (notes) =>
    channel.call(
      "learn",
      [...notes].map(([address, note]) => ({ address, note })),
    ),
  );
  return {
    ...stored,
    find: (key) => withNote(stored.find(key), line.find(key)),
    mayBeRefused: (key) => line.find(key)?.kind === "refused" || stored.mayBeRefused(key),
    note: (key, note) => line.note(key, note),
  };
}

/**
 * Turns read errors into "unknown". A damaged page must not end the delivery thread: it would die at each reply of a
 * primary, before the reply is stored, and would send the same mail again and again.
 */
function undaunted(memory: RecipientMemory, log: Logger): RecipientMemory {
  let told = false;
  const attempt = <T>(read: () => T, unknown: T): T => {
    try {
      return read();
    } catch (error) {
      if (!told)
        log.error("replies of primaries about addresses cannot be read", { error: errorText(error) });
      told = true;
      return unknown;
    }
  };
  return {
    ...memory,
    find: (key) => attempt(() => memory.find(key), {}),
    lastAccepted: (domain, from) => attempt(() => memory.lastAccepted(domain, from), undefined),
  };
}

/** Returns the record as it will be once the note is stored. */
function withNote(known: Remembered, note: Note | undefined): Remembered {
  if (note === undefined) return known;
  const { at, origin } = note;
  if (note.kind === "accepted") return { accepted: { at, origin } };
  const before = known.refused;
  // An expired refusal may still be stored if nothing was noted since.
  const since = before === undefined || before.at < at - REFUSED_FOR ? at : before.since;
  return { ...known, refused: { since, at, origin, reply: note.reply } };
}
