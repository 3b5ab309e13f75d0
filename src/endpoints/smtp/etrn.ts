/**
 * ETRN, RFC 1985: somebody says that a domain's own server is there again. All that it does is what an operator's
 * flush does, towards the configured primary and nowhere else; the answer is the same whether anything waits.
 */
import { normaliseDomain } from "../../mail/domain.ts";
import type { Clock } from "../../runtime/clock.ts";
import { NEEDS_EHLO, NESTED_MAIL, say, type Answer } from "./answer.ts";
import type { SessionState } from "./session-state.ts";

const SYNTAX = say(501, "5.5.4", "Syntax: ETRN domain");
const NOT_OURS = say(459, "4.7.1", "Not for this domain");
const BUSY = say(458, "4.3.2", "Unable to queue now");
const STARTED = say(250, "2.0.0", "Queuing started");

/** A domain is flushed no more often than this, in ms; an earlier flush counts as this one. */
const SPACING = 30_000;
/** Flushes of all domains within one second. */
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

/** Passes on what may be flushed; holds one entry for each of our domains that was asked for of late. */
export class Flushes {
  readonly #clock: Clock;
  readonly #flush: (domain: string) => void;
  /** In elapsed time, the longest ago first. */
  readonly #last = new Map<string, number>();
  #second = 0;
  #thisSecond = 0;

  constructor(clock: Clock, flush: (domain: string) => void) {
    this.#clock = clock;
    this.#flush = flush;
  }

  /** False: too many domains at once. */
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
