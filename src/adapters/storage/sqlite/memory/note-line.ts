import type { Clock } from "../../../../runtime/clock.ts";

/** Notes are sent together this often, in ms, and ride in one commit with what else is there. */
const SEND_EVERY = 250;
/** Notes that wait; beyond it they are not kept. */
const MOST_WAITING = 10_000;

/** Collects notes, one a key, and sends them together; until they are stored they are found here. */
export class NoteLine<V> {
  readonly #send: (notes: ReadonlyMap<string, V>) => Promise<unknown>;
  readonly #clock: Clock;
  #waiting = new Map<string, V>();
  #sent = new Map<string, V>();
  #planned = false;

  /** `send` stores; what it cannot store is lost. */
  constructor(clock: Clock, send: (notes: ReadonlyMap<string, V>) => Promise<unknown>) {
    this.#clock = clock;
    this.#send = send;
  }

  /** What was noted a moment ago and may not be stored yet. */
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
