/**
 * The segments that intake clients append to, and those that have lost mail. A segment is removed by the storage thread
 * alone, once no mail lies in it, and never while a client may still append to it: a client names each segment before
 * its first octet, and has left it when its mail comes out of a later one, or when its port has closed.
 */

/** Whoever appends; a port. */
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

  /** Those that the appender began before this one; all without a name. */
  before(appender: Appender, name?: string): readonly string[] {
    const names = this.#open.get(appender) ?? [];
    const at = name === undefined ? names.length : names.indexOf(name);
    return at <= 0 ? [] : names.slice(0, at);
  }

  /** Nothing is appended to these any more. */
  leave(appender: Appender, left: readonly string[]): void {
    const names = this.#open.get(appender)?.filter((name) => !left.includes(name)) ?? [];
    if (names.length > 0) this.#open.set(appender, names);
    else this.#open.delete(appender);
  }

  /** Mail has gone from it, and some is left. */
  thin(name: string): void {
    this.#thinned.add(name);
  }

  /** Those that have lost mail since they were compacted, and are appended to no more. */
  get thinned(): readonly string[] {
    return [...this.#thinned].filter((name) => !this.isOpen(name));
  }

  /** What could be moved out of it has been, or is too much. */
  compacted(name: string): void {
    this.#thinned.delete(name);
  }
}
