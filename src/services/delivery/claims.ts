import type { ClaimedMail, WorkStore } from "../../ports/queue.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { errorText } from "../../runtime/log.ts";
import type { Desk, Lane } from "./lane.ts";
import type { Probations } from "./probations.ts";

export interface ClaimsParts {
  readonly store: WorkStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly probations: Pick<Probations, "of" | "canary" | "unsent">;
  /** Claimed mail, for the lane that asked. */
  claimed(lane: Lane, desk: Desk, mails: readonly ClaimedMail[]): void;
  /** The store can be asked again. */
  resumed(): void;
}

const PAUSE = 1000;

/**
 * Fills lanes with what is due, oldest mail first: their domains in turn, each with an equal share of the room but
 * no less than half the connections, because many small claims cost the store more than few larger ones.
 */
export class Claims {
  readonly #parts: ClaimsParts;
  /** Until the queue was counted for the first time. */
  #paused = true;
  #stopped = false;

  constructor(parts: ClaimsParts) {
    this.#parts = parts;
  }

  begin(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#parts.resumed();
  }

  stop(): void {
    this.#stopped = true;
  }

  fill(lane: Lane): void {
    if (this.#paused || this.#stopped || lane.due.size === 0) return;
    let room = lane.room();
    if (room === 0 || !worthIt(lane, room)) return;
    const least = lane.canary ? 1 : Math.ceil(lane.limit / 2);
    const desks = this.#nextInTurn(lane, Math.ceil(room / least));
    const share = Math.ceil(room / Math.max(1, desks.length));
    for (const desk of desks) {
      if (room <= 0) return;
      // To the end of the row, so that every domain has its turn.
      lane.due.delete(desk);
      lane.due.add(desk);
      this.#claim(lane, desk, Math.min(share, room, this.#bound(lane, desk)));
      room -= share;
    }
  }

  #claim(lane: Lane, desk: Desk, limit: number): void {
    const { version } = desk;
    lane.claiming += limit;
    this.#ask(lane, desk, limit).then(
      (mails) => {
        lane.claiming -= limit;
        this.#parts.probations.unsent(lane, desk, limit - mails.length);
        if (mails.length < limit && desk.version === version) exhausted(desk);
        this.#parts.claimed(lane, desk, mails);
      },
      (error) => {
        lane.claiming -= limit;
        this.#parts.probations.unsent(lane, desk, limit);
        this.#pause(error);
      },
    );
  }

  async #ask(lane: Lane, desk: Desk, limit: number): Promise<readonly ClaimedMail[]> {
    const { store, clock, probations } = this.#parts;
    const probation = probations.of(lane, desk);
    const canary = probation?.wantsCanary === true;
    probation?.take(limit);
    const id = canary ? await probations.canary(desk) : undefined;
    if (canary && id === undefined) return [];
    const request = { domain: desk.domain, limit, now: clock.now() };
    return store.claim(id === undefined ? request : { ...request, id });
  }

  /** How many mails of the domain may go this way at present. */
  #bound(lane: Lane, desk: Desk): number {
    return this.#parts.probations.of(lane, desk)?.room(this.#parts.clock.now()) ?? Infinity;
  }

  #nextInTurn(lane: Lane, most: number): readonly Desk[] {
    const desks: Desk[] = [];
    for (const desk of lane.due) {
      if (desk.active().includes(lane) && this.#bound(lane, desk) > 0) desks.push(desk);
      if (desks.length >= most) break;
    }
    return desks;
  }

  #pause(error: unknown): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#parts.log.error("claiming failed, trying again", { error: errorText(error) });
    this.#parts.clock.after(PAUSE, () => {
      this.#paused = false;
      this.#parts.resumed();
    });
  }
}

/** Many small claims cost more than few larger ones; an idle lane takes what it can get. */
function worthIt(lane: Lane, room: number): boolean {
  return lane.canary || room >= lane.limit / 2 || lane.unsettled + lane.claiming === 0;
}

/** The domain has nothing more that is due. */
function exhausted(desk: Desk): void {
  desk.due = false;
  for (const lane of desk.lanes) lane.due.delete(desk);
}
