/**
 * What one transaction will cause once it is on the disk. A job that runs may be undone and run again; therefore
 * it changes nothing outside the database itself but leaves what is to happen here.
 */
export class Batch {
  readonly #afterCommit: (() => void)[] = [];
  readonly #afterRollback: (() => void)[] = [];
  readonly #work = new Map<string, number>();

  /** Runs when the transaction is durable, before any answer goes out. */
  onCommit(effect: () => void): void {
    this.#afterCommit.push(effect);
  }

  /** Takes back what had to be changed at once, such as a credit that later jobs of the batch must not use. */
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

  /** Takes over what a job left, once it is known to stay. */
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
