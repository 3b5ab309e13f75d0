import type { ClaimedMail } from "../../../ports/work-store.ts";

/** Claimed mail of one pool that no connection has begun with, in the order in which it came. */
export class ReadyQueue {
  #mails: ClaimedMail[] = [];

  get size(): number {
    return this.#mails.length;
  }

  add(mails: readonly ClaimedMail[]): void {
    this.#mails.push(...mails);
  }

  putFirst(mail: ClaimedMail): void {
    this.#mails.unshift(mail);
  }

  /** The next one; behind `last` one of the same client, where there is such. */
  take(last?: ClaimedMail): ClaimedMail | undefined {
    if (last === undefined) return this.#mails.shift();
    const { ip, helo } = last.client;
    const found = this.#mails.findIndex(({ client }) => client.ip === ip && client.helo === helo);
    return this.#mails.splice(Math.max(0, found), 1)[0];
  }

  /** Takes out all that `chosen` says. */
  remove(chosen: (mail: ClaimedMail) => boolean): readonly ClaimedMail[] {
    const { removed = [], kept = [] } = Object.groupBy(this.#mails, (mail) =>
      chosen(mail) ? "removed" : "kept",
    );
    this.#mails = kept;
    return removed;
  }
}
