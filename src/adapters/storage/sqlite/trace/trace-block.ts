/** A block of trace events, which are stored and searched together. */
import { type Traced, traceKeys } from "../../../../ports/trace.ts";
import { keyBit, KEY_BITS, keyHashes, type KeyHashes } from "../../../../runtime/bloom.ts";
import { WaitingText } from "../../../../runtime/waiting-text.ts";

/** Bytes at which a block is full. Until then, each write stores the whole block again. */
const FULL = 16 * 1024;
/** Bytes of its buffer: the last event exceeds FULL. */
const ROOM = FULL + 4 * 1024;
/** Most keys of a block: with so many, its filter wrongly passes one in 400 other keys. */
const MOST_KEYS = 256;
const FILTER_BITS = 4096;

/** A block while it is filled; it is reused once it has been stored. */
export class TraceBlock {
  seq = 0;
  readonly filter = new Uint8Array(FILTER_BITS / 8);
  /** When its newest event happened, in ms since 1970. */
  at = 0;
  events = 0;
  readonly #waiting = new WaitingText(ROOM);
  #keys = 0;

  /** Empties the block for its next use. */
  begin(seq: number): this {
    this.#waiting.clear();
    this.filter.fill(0);
    this.seq = seq;
    this.at = this.events = this.#keys = 0;
    return this;
  }

  get full(): boolean {
    return this.#waiting.length >= FULL || this.#keys >= MOST_KEYS;
  }

  /** A line of JSON for each event, as UTF-8; valid until the next event is added. */
  get text(): Buffer {
    return this.#waiting.bytes;
  }

  add({ at, event }: Traced, keys: readonly string[]): void {
    this.#waiting.add(`${at} ${JSON.stringify(event)}\n`);
    this.at = Math.max(this.at, at);
    this.events += 1;
    for (const key of keys) this.#note(keyHashes(key));
    this.#keys += keys.length;
  }

  #note(hashes: KeyHashes): void {
    for (let n = 0; n < KEY_BITS; n++) {
      const bit = keyBit(hashes, n, FILTER_BITS);
      this.filter[bit >>> 3]! |= 1 << (bit & 7);
    }
  }
}

/** Finds events about any of several keys. */
export class Wanted {
  readonly #keys: ReadonlySet<string>;
  readonly #hashes: readonly KeyHashes[];

  constructor(about: readonly string[]) {
    this.#keys = new Set(about.map((key) => key.toLowerCase()));
    this.#hashes = [...this.#keys].map(keyHashes);
  }

  /** False is certain; true may be wrong. */
  mayBeIn(filter: Uint8Array): boolean {
    return this.#hashes.some((hashes) => holds(filter, hashes));
  }

  /** Returns the events of a block's text that are about one of the keys. */
  eventsOf(text: string): readonly Traced[] {
    const all = text.split("\n").slice(0, -1).map(readLine);
    return all.filter(({ event }) => traceKeys(event)?.some((key) => this.#keys.has(key)));
  }
}

function readLine(line: string): Traced {
  const blank = line.indexOf(" ");
  return { at: Number(line.slice(0, blank)), event: JSON.parse(line.slice(blank + 1)) };
}

function holds(filter: Uint8Array, hashes: KeyHashes): boolean {
  for (let n = 0; n < KEY_BITS; n++) {
    const bit = keyBit(hashes, n, FILTER_BITS);
    if (((filter[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  }
  return true;
}
