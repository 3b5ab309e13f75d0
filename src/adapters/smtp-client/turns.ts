/** The place of one mail among those in flight on a connection. */
export interface Turn {
  /** All that the mail before sends has been handed to the socket. */
  readonly mayWrite: Promise<void>;
  /** All replies to the mail before were read, or none will come. */
  readonly mayRead: Promise<void>;
  /** No other mail is in flight before it. */
  readonly first: () => boolean;
  written(): void;
  /** Ends the turn. */
  read(): void;
}

const NOW = Promise.resolve();

/** Mails write one after another, and read their replies one after another, each as soon as it may. */
export class Turns {
  #mayWrite = NOW;
  #mayRead = NOW;
  #taken = 0;
  #ended = 0;

  /** Mails in flight. */
  get size(): number {
    return this.#taken - this.#ended;
  }

  take(): Turn {
    const [written, read] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [mayWrite, mayRead] = [this.#mayWrite, this.#mayRead];
    this.#mayWrite = written.promise;
    this.#mayRead = read.promise;
    const number = this.#taken;
    this.#taken += 1;
    return {
      mayWrite,
      mayRead,
      first: () => number === this.#ended,
      written: () => written.resolve(),
      read: () => {
        this.#ended += 1;
        written.resolve();
        read.resolve();
      },
    };
  }
}
