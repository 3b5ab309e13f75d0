/** The place of one mail among those in flight on a connection. Without a wait there is no promise. */
export class Turn {
  #before: Turn | undefined;
  #written = false;
  #ended = false;
  /** The mail behind it waits for this. */
  #onWritten: (() => void) | undefined;
  #onEnded: (() => void) | undefined;

  constructor(before: Turn | undefined) {
    this.#before = before?.ended === false ? before : undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** All that the mail before sends has been handed to the socket; undefined: that is so already. */
  mayWrite(): Promise<void> | undefined {
    const before = this.#before;
    if (before === undefined || before.#written) return undefined;
    return new Promise((resolve) => {
      before.#onWritten = resolve;
    });
  }

  /** All replies to the mail before were read, or none will come; undefined: that is so already. */
  mayRead(): Promise<void> | undefined {
    const before = this.#before;
    if (before === undefined || before.#ended) return undefined;
    return new Promise((resolve) => {
      before.#onEnded = resolve;
    });
  }

  written(): void {
    this.#written = true;
    this.#onWritten?.();
  }

  end(): void {
    this.#ended = true;
    // Else each would keep all that were before it.
    this.#before = undefined;
    this.written();
    this.#onEnded?.();
  }
}
