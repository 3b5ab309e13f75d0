/** Clients with replies to write at the end of this event-loop turn. */
let waiting: OutgoingReplies[] = [];

/**
 * Replies to one client that are not written yet. Replies to all clients are written together at the end of an
 * event-loop turn. If each were written at once, the client would answer at once, and this thread and the client would
 * wake each other for every line.
 */
export class OutgoingReplies {
  readonly #write: (text: string) => void;
  #text = "";
  /** This object is in `waiting`. */
  #leaving = false;

  /** `write` does not throw. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(text: string): void {
    this.#text += text;
  }

  /** Schedules the replies to be written at the end of this event-loop turn. */
  leaveSoon(): void {
    if (this.#text === "" || this.#leaving) return;
    this.#leaving = true;
    if (waiting.length === 0) setImmediate(leaveAll);
    waiting.push(this);
  }

  /** Writes the replies now. */
  leave(): void {
    const text = this.#text;
    this.#text = "";
    this.#leaving = false;
    if (text !== "") this.#write(text);
  }
}

function leaveAll(): void {
  const leaving = waiting;
  waiting = [];
  for (const replies of leaving) replies.leave();
}
