import type { Clock } from "../../runtime/clock.ts";

/** Failures in a row after which a server is left alone. */
const PATIENCE = 3;
/** For how long, in ms, doubling with each further failure. */
const FIRST_REST = 5000;
const LONGEST_REST = 60_000;

/**
 * One server as a thread knows it. After PATIENCE failures in a row it rests for 5 s, doubling to 60 s; after that one
 * mail at a time tries it, until one succeeds. Scans beyond its places wait in line.
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

  /** `tell` hears why the server is left alone, and without a word that it answers again. */
  constructor(address: string, clock: Clock, tell: (why?: string) => void) {
    this.address = address;
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether it may be asked. One mail at a time tries a server that has rested, until it says how that went. */
  get ready(): boolean {
    if (this.#failures < PATIENCE) return true;
    return !this.#trying && this.#clock.elapsed() >= this.#restsUntil;
  }

  /** Waits for a place among `most`, at the latest until `until` of elapsed time; answers whether there was one. */
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

  /** Takes a place if one is free. */
  takeNow(most: number): boolean {
    if (this.#failures >= PATIENCE || this.#busy >= most) return false;
    this.#busy += 1;
    return true;
  }

  /** Gives the place to the next in line. */
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
    // What began before it went to rest says nothing new.
    if (this.#failures < PATIENCE || this.#clock.elapsed() < this.#restsUntil) return;
    this.#restsUntil = this.#clock.elapsed() + this.#rest;
    this.#rest = Math.min(2 * this.#rest, LONGEST_REST);
    if (this.#failures === PATIENCE) this.#tell(why);
  }

  /** The attempt ended without saying anything about it. */
  undecided(): void {
    this.#trying = false;
  }
}
