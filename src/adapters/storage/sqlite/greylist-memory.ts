import type { MessagePort } from "node:worker_threads";
import type { Greylist, Sighting } from "../../../ports/greylist.ts";
import { openChannel } from "../../../runtime/channel.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { openMailReader } from "./connection.ts";
import type { MemoryMethods, WireSighting } from "./wire.ts";

/** Sightings are sent together this often, in ms, and ride in one commit with what else is there. */
const SEND_EVERY = 250;
/** Sightings that wait; beyond it they are not kept. */
const MOST_WAITING = 10_000;

interface Row {
  readonly first_at: number;
  readonly passed: number;
  readonly until: number;
}

/** The memory of greylisting on an SMTP thread, over a line to the storage thread of role `memory`. */
export function openGreylist(
  port: MessagePort,
  { folder, clock }: { folder: string; clock: Clock },
): Greylist {
  const channel = openChannel<MemoryMethods>(port);
  const database = openMailReader(folder);
  const select = database.prepare<[string], Row>(
    "SELECT first_at, passed, until FROM greylist WHERE key = ?",
  );
  let waiting = new Map<string, Sighting>();
  let sent = new Map<string, Sighting>();
  let planned = false;
  const send = (): void => {
    planned = false;
    sent = waiting;
    waiting = new Map();
    void channel
      .call("note", wireOf(sent))
      .catch(() => undefined)
      .finally(() => {
        sent = new Map();
        if (waiting.size > 0) plan();
      });
  };
  const plan = (): void => {
    if (planned || sent.size > 0) return;
    planned = true;
    clock.after(SEND_EVERY, send);
  };
  const stored = (key: string): Sighting | undefined => {
    const row = select.get(key);
    return row && { firstAt: row.first_at, passed: row.passed === 1, until: row.until };
  };
  return {
    find: (key) => waiting.get(key) ?? sent.get(key) ?? stored(key),
    note: (key, sighting) => {
      if (waiting.size >= MOST_WAITING) return;
      waiting.set(key, sighting);
      plan();
    },
    close: () => void database.close(),
  };
}

function wireOf(sightings: ReadonlyMap<string, Sighting>): readonly WireSighting[] {
  return [...sightings].map(([key, { firstAt, passed, until }]) => ({ key, firstAt, passed, until }));
}
