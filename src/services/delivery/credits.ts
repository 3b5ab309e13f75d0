import type { WorkStore } from "../../ports/queue.ts";
import type { Desk, Lane } from "./lane.ts";

/**
 * Credits let the store claim fresh mail in the commit that accepts it and hand it over at once. A domain has some
 * while a lane of it is up and has room, and nothing older of it is due. A lane's room is shared by the domains
 * that used it last.
 */
export class Credits {
  readonly #store: Pick<WorkStore, "grant">;
  readonly #trusted: (lane: Lane, desk: Desk) => boolean;
  /** Until the queue was counted for the first time. */
  #closed = true;

  /** `trusted`: the domain is in no probation at the lane. */
  constructor(store: Pick<WorkStore, "grant">, trusted: (lane: Lane, desk: Desk) => boolean) {
    this.#store = store;
    this.#trusted = trusted;
  }

  /** Takes all back and gives none any more, until `open`. */
  close(desks: Iterable<Desk>): void {
    this.#closed = true;
    for (const desk of desks) this.review(desk);
  }

  open(): void {
    this.#closed = false;
  }

  /** Gives, tops up or takes back, as the state of the domain and its lanes asks. */
  review(desk: Desk): void {
    const usable = this.#closed || desk.due ? [] : desk.active().filter((lane) => lane.up);
    const lanes = usable.filter((lane) => this.#trusted(lane, desk));
    const share = lanes.reduce((sum, lane) => sum + this.#share(lane, desk), 0);
    if (share === 0) return this.#takeBack(desk);
    if (desk.credits <= share / 2 || desk.credits > share) this.#give(desk, share);
  }

  reviewLane(lane: Lane): void {
    // Reviewing moves desks within the set.
    for (const desk of Array.from(lane.granted)) this.review(desk);
  }

  /** A lane came up: the first domains that fit get credits; others when mail comes for them. */
  openLane(lane: Lane): void {
    let left = capacityOf(lane);
    for (const desk of lane.desks) {
      if (left <= 0) return;
      this.review(desk);
      left -= 1;
    }
  }

  /** One fresh mail came by a credit. */
  used(desk: Desk): void {
    desk.credits = Math.max(0, desk.credits - 1);
  }

  #share(lane: Lane, desk: Desk): number {
    const capacity = capacityOf(lane);
    if (capacity === 0) return 0;
    lane.granted.delete(desk);
    lane.granted.add(desk);
    while (lane.granted.size > capacity) this.#evict(lane);
    return Math.max(1, Math.floor(capacity / lane.granted.size));
  }

  #evict(lane: Lane): void {
    const [oldest] = lane.granted;
    if (oldest === undefined) return;
    lane.granted.delete(oldest);
    this.#takeBack(oldest);
  }

  #give(desk: Desk, credits: number): void {
    desk.credits = credits;
    this.#store.grant(desk.domain, credits);
  }

  #takeBack(desk: Desk): void {
    for (const lane of desk.lanes) lane.granted.delete(desk);
    if (desk.credits === 0) return;
    this.#give(desk, 0);
  }
}

/** Mails that may come unasked: two for each connection, none to a lane that is saturated. */
function capacityOf(lane: Lane): number {
  if (!lane.up) return 0;
  if (lane.canary) return lane.unsettled === 0 ? 1 : 0;
  const { limit } = lane;
  return lane.unsettled >= 4 * limit ? 0 : 2 * limit;
}
