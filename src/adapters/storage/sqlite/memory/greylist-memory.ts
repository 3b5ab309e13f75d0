import type { MessagePort } from "node:worker_threads";
import type { Greylist, Sighting } from "../../../../ports/greylist.ts";
import { openChannel } from "../../../../runtime/channel.ts";
import type { Clock } from "../../../../runtime/clock.ts";
import { openMailReader } from "../disk/connection.ts";
import { NoteLine } from "./note-line.ts";
import type { MemoryMethods, WireSighting } from "../wire/wire.ts";

interface Row {
  readonly first_at: number;
  readonly passed: number;
  readonly until: number;
}

/** The memory of greylisting on an SMTP thread; it writes over a port of role `memory` to the storage thread. */
export function openGreylist(
  port: MessagePort,
  { folder, clock }: { folder: string; clock: Clock },
): Greylist {
  const channel = openChannel<MemoryMethods>(port);
  const database = openMailReader(folder);
  const select = database.prepare<[string], Row>(
    "SELECT first_at, passed, until FROM greylist WHERE key = ?",
  );
  const line = new NoteLine<Sighting>(clock, (sightings) => channel.call("note", wireOf(sightings)));
  const stored = (key: string): Sighting | undefined => {
    const row = select.get(key);
    return row && { firstAt: row.first_at, passed: row.passed === 1, until: row.until };
  };
  return {
    find: (key) => line.find(key) ?? stored(key),
    note: (key, sighting) => line.note(key, sighting),
    close: () => void database.close(),
  };
}

function wireOf(sightings: ReadonlyMap<string, Sighting>): readonly WireSighting[] {
  return [...sightings].map(([key, { firstAt, passed, until }]) => ({ key, firstAt, passed, until }));
}
