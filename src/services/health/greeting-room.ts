/** Most greetings awaited from all primaries together: each needs a file descriptor, and so do our own clients. */
const MOST = 500;
/** A greeting that has been awaited for this many ms may be given up for another one. */
const LEAST_WAIT = 10_000;

interface Waiting {
  readonly since: number;
  readonly giveWay: () => void;
}

/**
 * Limits the connections to primaries that accept a connection and send nothing, as behind a firewall that answers for
 * thousands of them. Each gets at least ten seconds to greet.
 */
export class GreetingRoom {
  /** In the order of `since`, the oldest first. */
  readonly #waiting = new Map<object, Waiting>();

  /** Returns false if there is no room for `greeting`. `giveWay` is called if another greeting takes its place. */
  enter(greeting: object, now: number, giveWay: () => void): boolean {
    if (this.#waiting.size >= MOST && !this.#makeRoom(now)) return false;
    this.#waiting.set(greeting, { since: now, giveWay });
    return true;
  }

  leave(greeting: object): void {
    this.#waiting.delete(greeting);
  }

  #makeRoom(now: number): boolean {
    const [oldest] = this.#waiting;
    if (oldest === undefined || now - oldest[1].since < LEAST_WAIT) return false;
    this.#waiting.delete(oldest[0]);
    oldest[1].giveWay();
    return true;
  }
}
