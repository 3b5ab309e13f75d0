import type { Journal, JournalEvent } from "../../src/ports/journal.ts";

type EventOf<K, E = JournalEvent> = E extends { readonly kind: infer Kinds }
  ? K extends Kinds
    ? E
    : never
  : never;

/** A journal that keeps what it was told. */
export class MemoryJournal implements Journal {
  readonly events: JournalEvent[] = [];

  record(event: JournalEvent): void {
    this.events.push(event);
  }

  of<K extends JournalEvent["kind"]>(kind: K): EventOf<K>[] {
    return this.events.filter((event) => event.kind === kind) as EventOf<K>[];
  }
}
