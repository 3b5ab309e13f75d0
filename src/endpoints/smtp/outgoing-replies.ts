/** Those whose replies leave when the turn ends. */
let waiting: OutgoingReplies[] = [];

/**
 * Replies to one client that are not yet written. They leave at the end of a turn of the event loop, those to all clients
 * one after the other: a client that reads its reply at once speaks at once, and thread and client would wake each other
 * for every line.
 */
export class OutgoingReplies {
  readonly #write: (text: string) => void;
  #text = "";
  /** It is among those that wait for the end of the turn. */
  #leaving = false;

  /** `write` does not throw. */
  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  add(text: string): void {
    this.#text += text;
  }

  /** Has them written when all that is ready now has been handled. */
  leaveSoon(): void {
    if (this.#text === "" || this.#leaving) return;
    this.#leaving = true;
    if (waiting.length === 0) setImmediate(leaveAll);
    waiting.push(this);
  }

  /** Has them written now. */
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
