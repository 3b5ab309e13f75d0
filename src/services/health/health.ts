/**
 * The state of each primary, from probes and from what conversations report.
 *
 * States (ports/health.ts): unknown -> up or down; up -> suspect at the first failure, probed again at once, then up
 * or down; banned if it answers but refuses us at connect or login; loop if it is this server itself. A primary that
 * came up and failed before it accepted anything relapses: it is down again at once, and each further return is believed
 * later than the one before (1 s doubling to 1 min). After a relapse the outage ends when it answers a mail, or when it
 * greets while no mail is held for it.
 *
 * Probes: a TCP connect each second while mail is held, each 15 s otherwise, once a minute while it is up and
 * nothing was delivered, after 1 to 15 min when banned, 15 min in a loop; at most 200 a second over all. A primary
 * that is not up is greeted on the connection that the probe opened, and the first mail goes over it. Of all
 * primaries together, at most 500 greetings are awaited at a time.
 *
 * Invariants: an outage is recorded in the journal once at its beginning and once at its end; no mail is sent to this
 * server itself; a name that does not resolve is a failure of the destination, never of a mail.
 */
import { steadyClock } from "../../runtime/clock.ts";
import { GreetingRoom } from "./greeting-room.ts";
import { Pacer } from "./probe-schedule.ts";
import type { Destination, ReachParts } from "./reach.ts";
import { Watch, type Observer, type WatchParts } from "./watch.ts";

export { isOwnName, type OwnAddress } from "./ourselves.ts";
export { offersOf } from "./offers.ts";
export { asTrouble, destinationName, firstToGreet, targetsOf } from "./reach.ts";
export type { Destination, ReachParts } from "./reach.ts";
export { isAway } from "./state.ts";
export { TlsMemory } from "./tls-memory.ts";
export type { Observer, Watch } from "./watch.ts";

type HealthParts = Omit<WatchParts, "pacer" | "room" | "clock"> & ReachParts;

/** Watches primaries. All of them share one limit of probes and one limit of awaited greetings. */
export class Health {
  readonly #parts: WatchParts;

  constructor(parts: HealthParts) {
    // A steady clock: setting the wall clock must neither delay probes nor make their results look outdated.
    const shared = { pacer: new Pacer(), room: new GreetingRoom() };
    this.#parts = { ...parts, ...shared, clock: steadyClock(parts.clock) };
  }

  /** Begins to probe the destination at once; `Watch.stop` ends that. */
  watch(destination: Destination, observer: Observer): Watch {
    return new Watch(destination, observer, this.#parts);
  }
}
