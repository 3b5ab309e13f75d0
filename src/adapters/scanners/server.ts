import type { Clock } from "../../runtime/clock.ts";

/** Failures in a row after which a server is suspended. */
const PATIENCE = 3;
/** The first suspension, and the longest, in ms; it doubles with each further failure. */
const FIRST_REST = 5000;
const LONGEST_REST = 60_000;

/**
 * The state of one server, as one thread knows it. After PATIENCE failures in a row it is suspended for 5 s, doubling
 * up to 60 s; then one mail at a time tries it, until one succeeds. Scans beyond its number of connections are queued.
 */
export class Server {
  readonly address: string;
  readonly #clock: Clock;
  readonly #tell: (why?: string) => void;
  #failures = 0;
  /** In elapsed time. */
  #restsUntil = -Infinity;
  #rest = FIRST_REST;
  #trying = false;
  #busy = 0;
  readonly #line: (() => void)[] = [];

  /** `tell` is called with the reason when the server is suspended, and without one when it answers again. */
  constructor(address: string, clock: Clock, tell: (why?: string) => void) {
    this.address = address;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether the server may be used. After a suspension only one mail at a time tries it. */
  get ready(): boolean {
    if (this.#failures < PATIENCE) return true;
    return !this.#trying && this.#clock.elapsed() >= this.#restsUntil;
  }

  /** Waits for one of `most` connections, up to the elapsed time `until`; resolves to whether there was one. */
  take(most: number, until: number): Promise<boolean> {
    this.#trying = this.#failures >= PATIENCE;
    if (this.#busy < most) {
      this.#busy += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const turn = (): void => {
        timer.cancel();
        resolve(true);
      };
      const timer = this.#clock.after(Math.max(0, until - this.#clock.elapsed()), () => {
        this.#line.splice(this.#line.indexOf(turn), 1);
        resolve(false);
      });
      this.#line.push(turn);
    });
  }

  /** Takes one of `most` connections if one is free and the server has not failed PATIENCE times in a row. */
  takeNow(most: number): boolean {
    if (this.#failures >= PATIENCE || this.#busy >= most) return false;
    this.#busy += 1;
    return true;
  }

  /** Passes the connection to the next scan in the queue. */
  giveBack(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#busy -= 1;
    else next();
  }

  worked(): void {
    const rested = this.#failures >= PATIENCE;
    this.#failures = 0;
    this.#restsUntil = -Infinity;
    this.#rest = FIRST_REST;
    if (rested) this.#tell();
  }

  failed(why: string): void {
    this.#failures += 1;
    this.#trying = false;
    // An attempt that began before the suspension tells nothing new.
    if (this.#failures < PATIENCE || this.#clock.elapsed() < this.#restsUntil) return;
    this.#restsUntil = this.#clock.elapsed() + this.#rest;
    this.#rest = Math.min(2 * this.#rest, LONGEST_REST);
    if (this.#failures === PATIENCE) this.#tell(why);
  }

  /** The attempt ended without a finding about the server. */
  undecided(): void {
    this.#trying = false;
  }
}
