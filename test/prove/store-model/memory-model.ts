/** What the store must remember of clients and of single addresses. Times in ms. */
import { mailboxKeyOf } from "../../../src/mail/address.ts";
import type { Sighting } from "../../../src/ports/greylist.ts";
import type { Note, Refusal, Remembered, Teller } from "../../../src/ports/recipient-memory.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** How long a refusal is kept, and an address that was accepted. */
const REFUSED_FOR = 26 * HOUR;
const ACCEPTED_FOR = 32 * DAY;

export class MemoryModel {
  readonly accepted = new Map<string, { at: number; origin: Teller }>();
  readonly refused = new Map<string, Refusal>();
  readonly sightings = new Map<string, Sighting>();
  readonly encrypted = new Set<string>();
  /** When a delivery was looked at last, by address: once an hour is enough. */
  #delivered = new Map<string, number>();

  find(key: string): Remembered {
    const accepted = this.accepted.get(key);
    const refused = this.refused.get(key);
    return { ...(accepted !== undefined && { accepted }), ...(refused !== undefined && { refused }) };
  }

  /** A primary took mail; kept once a day. */
  delivered(address: string, now: number): void {
    if (now - (this.#delivered.get(address) ?? -HOUR) < HOUR) return;
    this.#delivered.set(address, now);
    const key = mailboxKeyOf(address);
    if ((this.accepted.get(key)?.at ?? -DAY) < now - DAY)
      this.accepted.set(key, { at: now, origin: "delivery" });
    this.refused.delete(key);
  }

  learn(notes: readonly (readonly [key: string, note: Note])[], now: number): void {
    for (const [key, note] of notes)
      if (note.kind === "refused") this.#refuse(key, note);
      else {
        const at = Math.max(note.at, this.accepted.get(key)?.at ?? 0);
        this.accepted.set(key, { at, origin: note.origin });
        this.refused.delete(key);
      }
    drop(this.refused, ({ at }) => at <= now - REFUSED_FOR);
  }

  see(key: string, sighting: Sighting, now: number): void {
    this.sightings.set(key, sighting);
    drop(this.sightings, ({ until }) => until <= now);
  }

  /** Answers how many addresses that was. */
  expire(now: number): number {
    return drop(this.accepted, ({ at }) => at < now - ACCEPTED_FOR);
  }

  /** The storage thread began anew. */
  restart(): void {
    this.#delivered.clear();
  }

  #refuse(key: string, { at, origin, reply }: Extract<Note, { kind: "refused" }>): void {
    const known = this.refused.get(key);
    const since = known === undefined || known.at < at - REFUSED_FOR ? at : known.since;
    this.refused.set(key, { since, at, origin, reply });
    this.#delivered.clear();
  }
}

function drop<V>(map: Map<string, V>, isOver: (value: V) => boolean): number {
  const over = [...map].filter(([, value]) => isOver(value));
  for (const [key] of over) map.delete(key);
  return over.length;
}
