import type { Target } from "../../ports/smtp-client.ts";
import type { Clock } from "../../runtime/clock.ts";

/** Pipelining is tried again after this time, in ms, in case the peer has been repaired. */
const REMEMBERED_FOR = 24 * 3_600_000;

/** Most peers that are remembered. DSNs go to strangers' servers, of which there may be any number. */
const MOST = 1000;

type Peer = Pick<Target, "host" | "port">;

/** Remembers peers whose replies did not fit the commands; they get one command at a time. */
export class LockStep {
  readonly #clock: Clock;
  /** When that happened last, in elapsed time, for each peer; the oldest first. */
  readonly #seen = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(peer: Peer): void {
    const name = nameOf(peer);
    this.#seen.delete(name);
    this.#seen.set(name, this.#clock.elapsed());
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > MOST && oldest !== undefined) this.#seen.delete(oldest);
  }

  holds(peer: Peer): boolean {
    const seen = this.#seen.get(nameOf(peer));
    return seen !== undefined && this.#clock.elapsed() - seen < REMEMBERED_FOR;
  }
}

function nameOf({ host, port }: Peer): string {
  return `${host}:${port}`;
}
