/**
 * ETRN, RFC 1985: a client reports that a domain's own server is available again. It has the effect of an operator's
 * flush: delivery to the configured primary and nowhere else. The reply does not reveal whether any mail waits.
 */
import { normaliseDomain } from "../../mail/domain.ts";
import type { Clock } from "../../runtime/clock.ts";
import { NEEDS_EHLO, NESTED_MAIL, say, type Answer } from "./answer.ts";
import type { SessionState } from "./session-state.ts";

const SYNTAX = say(501, "5.5.4", "Syntax: ETRN domain");
const NOT_OURS = say(459, "4.7.1", "Not for this domain");
const BUSY = say(458, "4.3.2", "Unable to queue now");
const STARTED = say(250, "2.0.0", "Queuing started");

/** Least time between two flushes of one domain, in ms. A request within this time has no effect of its own. */
const SPACING = 30_000;
/** Most flushes of all domains together within one second. */
const MOST_A_SECOND = 10;

export function etrn(session: SessionState, argument: string): Answer {
  const { flushes, directory } = session.parts;
  if (session.helo === "" || !session.extended) return NEEDS_EHLO;
  if (session.transaction !== undefined) return NESTED_MAIL;
  const domain = normaliseDomain(argument);
  if (domain === undefined) return SYNTAX;
  if (directory.domain(domain, directory.generation()) === undefined) return NOT_OURS;
  return flushes.ask(domain) ? STARTED : BUSY;
}

/** Limits how often domains are flushed. Holds one entry for each of our domains that was flushed recently. */
export class Flushes {
  readonly #clock: Clock;
  readonly #flush: (domain: string) => void;
  /** When each domain was flushed last, in elapsed time; the oldest entry comes first. */
  readonly #last = new Map<string, number>();
  #second = 0;
  #thisSecond = 0;

  constructor(clock: Clock, flush: (domain: string) => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** Flushes the domain. Returns false if too many domains were flushed within this second. */
  ask(domain: string): boolean {
    const now = this.#clock.elapsed();
    const last = this.#last.get(domain);
    if (last !== undefined && now - last < SPACING) return true;
    if (Math.floor(now / 1000) !== this.#second) this.#turn(now);
    if (this.#thisSecond >= MOST_A_SECOND) return false;
    this.#thisSecond += 1;
    this.#last.delete(domain);
    this.#last.set(domain, now);
    this.#flush(domain);
    return true;
  }

  #turn(now: number): void {
    this.#second = Math.floor(now / 1000);
    this.#thisSecond = 0;
    for (const [domain, at] of this.#last) {
      if (now - at < SPACING) break;
      this.#last.delete(domain);
    }
  }
}
