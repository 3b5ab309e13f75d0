/**
 * The segments to which intake clients append, and those that have lost mail. Only the storage thread removes segments,
 * once no mail lies in them, and never while a client may still append: a client names each segment before it writes to
 * it, and has left it when a mail of a later segment arrives from the client, or when its port has closed.
 */

/** Identifies a client that appends: its port. */
export type Appender = object;

export class Segments {
  readonly #open = new Map<Appender, string[]>();
  readonly #thinned = new Set<string>();

  begin(appender: Appender, name: string): void {
    const names = this.#open.get(appender);
    if (names === undefined) this.#open.set(appender, [name]);
    else names.push(name);
  }

  isOpen(name: string): boolean {
    for (const names of this.#open.values()) if (names.includes(name)) return true;
    return false;
  }

  /** Returns the segments that the appender began before this one; all of them if there is no name. */
  before(appender: Appender, name?: string): readonly string[] {
    const names = this.#open.get(appender) ?? [];
    const at = name === undefined ? names.length : names.indexOf(name);
    return at <= 0 ? [] : names.slice(0, at);
  }

  /** The appender will not append to these any more. */
  leave(appender: Appender, left: readonly string[]): void {
    const names = this.#open.get(appender)?.filter((name) => !left.includes(name)) ?? [];
    if (names.length > 0) this.#open.set(appender, names);
    else this.#open.delete(appender);
  }

  /** Some mail has left the segment, but not all. */
  thin(name: string): void {
    this.#thinned.add(name);
  }

  /** Segments that have lost mail since they were last compacted, and that do not grow any more. */
  get thinned(): readonly string[] {
    return [...this.#thinned].filter((name) => !this.isOpen(name));
  }

  /** All its mail was moved, or there is too much mail in it to be moved. */
  compacted(name: string): void {
    this.#thinned.delete(name);
  }
}
