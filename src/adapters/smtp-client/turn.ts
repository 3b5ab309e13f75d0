/** The position of one mail among those in flight on a connection. If there is no wait, there is no promise. */
export class Turn {
  #before: Turn | undefined;
  #written = false;
  #ended = false;
  /** Wakes the mail behind this one. */
  #onWritten: (() => void) | undefined;
  #onEnded: (() => void) | undefined;

  constructor(before: Turn | undefined) {
    this.#before = before?.ended === false ? before : undefined;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the previous mail is written completely; undefined if it is already. */
  mayWrite(): Promise<void> | undefined {
    const before = this.#before;
    if (before === undefined || before.#written) return undefined;
    return new Promise((resolve) => {
      before.#onWritten = resolve;
    });
  }

  /** Resolves when the previous mail has its replies, or will get none; undefined if that is so already. */
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
    // Otherwise each turn would keep all earlier ones in memory.
    this.#before = undefined;
    this.written();
    this.#onEnded?.();
  }
}
