import type { ClaimedMail } from "../../../ports/work-store.ts";

/** Claimed mail of one pool that no connection has begun to send, in the order of arrival. */
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

  /** Takes the next mail; with `last`, one of the same client if there is one. */
  take(last?: ClaimedMail): ClaimedMail | undefined {
    if (last === undefined) return this.#mails.shift();
    const { ip, helo } = last.client;
    const found = this.#mails.findIndex(({ client }) => client.ip === ip && client.helo === helo);
    return this.#mails.splice(Math.max(0, found), 1)[0];
  }

  /** Removes and returns all mails for which `chosen` is true. */
  remove(chosen: (mail: ClaimedMail) => boolean): readonly ClaimedMail[] {
    const { removed = [], kept = [] } = Object.groupBy(this.#mails, (mail) =>
      chosen(mail) ? "removed" : "kept",
    );
    this.#mails = kept;
    return removed;
  }
}
