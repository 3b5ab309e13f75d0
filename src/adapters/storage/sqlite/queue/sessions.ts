import type { WireEvent } from "../wire/wire.ts";

/**
 * One delivery thread as the writer knows it: its credits, and its claims that are not settled. When the thread dies,
 * or the database is opened again, these tell which claimed recipients a thread really holds.
 */
export class WorkSession {
  readonly #tell: (event: WireEvent, buffers: readonly ArrayBuffer[]) => void;
  readonly #credits = new Map<string, number>();
  /** Maps each token to the number of recipients that it still holds. */
  readonly #claims = new Map<number, number>();

  constructor(tell: (event: WireEvent, buffers: readonly ArrayBuffer[]) => void) {
    this.#tell = tell;
  }

  grant(domain: string, credits: number): void {
    if (credits > 0) this.#credits.set(domain, credits);
    else this.#credits.delete(domain);
  }

  /** Takes one credit; returns false if there is none. */
  take(domain: string): boolean {
    const credits = this.#credits.get(domain) ?? 0;
    if (credits === 0) return false;
    this.grant(domain, credits - 1);
    return true;
  }

  giveBack(domain: string): void {
    this.#credits.set(domain, (this.#credits.get(domain) ?? 0) + 1);
  }

  claimed(token: number, recipients: number): void {
    this.#claims.set(token, recipients);
  }

  settled(token: number, recipients: number): void {
    const left = (this.#claims.get(token) ?? 0) - recipients;
    if (left > 0) this.#claims.set(token, left);
    else this.#claims.delete(token);
  }

  holds(token: number): boolean {
    return this.#claims.has(token);
  }

  tell(event: WireEvent, buffers: readonly ArrayBuffer[] = []): void {
    this.#tell(event, buffers);
  }
}

/** All delivery threads that are served: one, except during its restart. */
export class Sessions {
  readonly #open = new Set<WorkSession>();
  /** Ended sessions whose claims have not been given up yet. */
  readonly #dead = new Set<WorkSession>();
  readonly #now: () => number;
  #lastToken = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(session: WorkSession): void {
    this.#open.add(session);
  }

  /** Notes that the thread has ended; it still holds its claims until they are given up. */
  bury(session: WorkSession): void {
    if (this.#open.delete(session)) this.#dead.add(session);
  }

  forget(session: WorkSession): void {
    this.#dead.delete(session);
  }

  /** Returns a number that was never used before, even before a restart: no claim may be settled with an old token. */
  nextToken(): number {
    this.#lastToken = Math.max(this.#lastToken + 1, this.#now() * 1000);
    return this.#lastToken;
  }

  /** Takes a credit for the domain and returns the session that had it. */
  takeCredit(domain: string): WorkSession | undefined {
    for (const session of this.#open) if (session.take(domain)) return session;
    return undefined;
  }

  settled(token: number, recipients: number): void {
    for (const session of this.#open) if (session.holds(token)) session.settled(token, recipients);
  }

  /** Returns whether a delivery thread was given this claim and has not settled it. */
  holds(token: number): boolean {
    return [...this.#open, ...this.#dead].some((session) => session.holds(token));
  }

  tell(event: WireEvent): void {
    for (const session of this.#open) session.tell(event);
  }

  tellWork(work: ReadonlyMap<string, number>): void {
    for (const [domain, recipients] of work) this.tell({ kind: "work", domain, recipients });
  }
}
