import type { Clock } from "../../../../runtime/clock.ts";

/** Interval in ms at which notes are sent together, so that one commit stores them all. */
const SEND_EVERY = 250;
/** Most notes that wait; further ones are dropped. */
const MOST_WAITING = 10_000;

/** Collects notes, one for each key, and sends them together; until they are stored, `find` returns them. */
export class NoteLine<V> {
  readonly #send: (notes: ReadonlyMap<string, V>) => Promise<unknown>;
  readonly #clock: Clock;
  #waiting = new Map<string, V>();
  #sent = new Map<string, V>();
  #planned = false;

  /** `send` stores notes; notes that it cannot store are lost. */
  constructor(clock: Clock, send: (notes: ReadonlyMap<string, V>) => Promise<unknown>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Returns a recent note, which may not be stored yet. */
  find(key: string): V | undefined {
    return this.#waiting.get(key) ?? this.#sent.get(key);
  }

  note(key: string, value: V): void {
    if (this.#waiting.size >= MOST_WAITING) return;
    this.#waiting.set(key, value);
    this.#plan();
  }

  #plan(): void {
    if (this.#planned || this.#sent.size > 0) return;
    this.#planned = true;
    this.#clock.after(SEND_EVERY, () => this.#flush());
  }

  #flush(): void {
    this.#planned = false;
    this.#sent = this.#waiting;
    this.#waiting = new Map();
    void this.#send(this.#sent)
      .catch(() => undefined)
      .finally(() => {
        this.#sent = new Map();
        if (this.#waiting.size > 0) this.#plan();
      });
  }
}
