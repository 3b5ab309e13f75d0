import type { WireEvent } from "../wire/wire.ts";

/**
 * One delivery thread as the writer knows it: its credits, and its claims that are not settled. When it dies, or
 * the connection was lost under it, the open claims tell which recipients are in whose hands.
 */
export class WorkSession {
  readonly #tell: (event: WireEvent, buffers: readonly ArrayBuffer[]) => void;
  readonly #credits = new Map<string, number>();
  /** Token to the number of recipients that it still holds. */
  readonly #claims = new Map<number, number>();

  constructor(tell: (event: WireEvent, buffers: readonly ArrayBuffer[]) => void) {
    this.#tell = tell;
  }

  grant(domain: string, credits: number): void {
    if (credits > 0) this.#credits.set(domain, credits);
    else this.#credits.delete(domain);
  }

  /** Takes one credit; false when there is none. */
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

/** All delivery threads that are served; one, but for the moment of a restart. */
export class Sessions {
  readonly #open = new Set<WorkSession>();
  /** Gone, but their claims are not yet given up. */
  readonly #dead = new Set<WorkSession>();
  readonly #now: () => number;
  #lastToken = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(session: WorkSession): void {
    this.#open.add(session);
  }

  /** The thread has ended; its claims stay its own until they are given up. */
  bury(session: WorkSession): void {
    if (this.#open.delete(session)) this.#dead.add(session);
  }

  forget(session: WorkSession): void {
    this.#dead.delete(session);
  }

  /** A number never given before, after a restart either; a claim must not be settled with a predecessor's proof. */
  nextToken(): number {
    this.#lastToken = Math.max(this.#lastToken + 1, this.#now() * 1000);
    return this.#lastToken;
  }

  /** A session that has a credit for the domain; the credit is used. */
  takeCredit(domain: string): WorkSession | undefined {
    for (const session of this.#open) if (session.take(domain)) return session;
    return undefined;
  }

  settled(token: number, recipients: number): void {
    for (const session of this.#open) if (session.holds(token)) session.settled(token, recipients);
  }

  /** Whether this claim was ever handed to a delivery thread and is not settled. */
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
