/**
 * The effects of one transaction outside the database, to be run once it is durable. A job may be rolled back and run
 * again, so it must not cause such effects itself; it registers them here.
 */
export class Batch {
  readonly #afterCommit: (() => void)[] = [];
  readonly #afterRollback: (() => void)[] = [];
  readonly #work = new Map<string, number>();

  /** Registers an effect that runs when the transaction is durable, before any answer is sent. */
  onCommit(effect: () => void): void {
    this.#afterCommit.push(effect);
  }

  /** Registers an undo for a change that had to be made at once, such as a used credit. */
  onRollback(undo: () => void): void {
    this.#afterRollback.push(undo);
  }

  /** Counts recipients that became due at once in `domain`. */
  addWork(domain: string, recipients: number): void {
    this.#work.set(domain, (this.#work.get(domain) ?? 0) + recipients);
  }

  get work(): ReadonlyMap<string, number> {
    return this.#work;
  }

  /** Takes over the effects of a job that succeeded. */
  absorb(other: Batch): void {
    this.#afterCommit.push(...other.#afterCommit);
    this.#afterRollback.push(...other.#afterRollback);
    for (const [domain, recipients] of other.#work) this.addWork(domain, recipients);
  }

  committed(): void {
    for (const effect of this.#afterCommit) effect();
  }

  rolledBack(): void {
    for (const undo of this.#afterRollback.toReversed()) undo();
  }
}
