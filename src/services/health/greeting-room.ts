/** Greetings that are awaited of all primaries together: each is an open file, of which clients need theirs. */
const MOST = 500;
/** What has waited for so many ms gives way when there are more. */
const LEAST_WAIT = 10_000;

interface Waiting {
  readonly since: number;
  readonly giveWay: () => void;
}

/**
 * Bounds what thousands of primaries can cost that take connections and say nothing, as they seem to do behind a
 * firewall that answers in their place. Who greets within ten seconds is heard nevertheless, when its turn comes.
 */
export class GreetingRoom {
  /** The oldest first. */
  readonly #waiting = new Map<object, Waiting>();

  /** False: there is no room for `greeting` at present. `giveWay` runs when another needs its place. */
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
