import { jittered } from "../../runtime/jitter.ts";
import type { HealthRecord } from "./state.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MOST_BANNED_MINUTES = 15;

interface ProbeFacts {
  /** Mail is held for it. */
  readonly held: boolean;
  /** When the last probe began; 0: never. */
  readonly lastProbe: number;
  /** A probe has been started since the present state began. */
  readonly asked: boolean;
  readonly now: number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Returns when to probe next, in ms since 1970. In the states unknown and suspect: at once, then each second. */
export function nextProbe(health: HealthRecord, { held, lastProbe, asked, now, random }: ProbeFacts): number {
  const doubtful = health.state === "unknown" || health.state === "suspect";
  if (doubtful && !asked) return now;
  const base = health.state === "up" ? Math.max(lastProbe, health.lastGood) : lastProbe;
  return Math.max(now, base + jittered(interval(health, held), random));
}

function interval({ state, bans }: HealthRecord, held: boolean): number {
  switch (state) {
    case "unknown":
    case "suspect":
      return SECOND;
    case "down":
      return held ? SECOND : 15 * SECOND;
    case "up":
      return MINUTE;
    case "banned":
      return MINUTE * Math.min(MOST_BANNED_MINUTES, 2 ** Math.max(0, bans - 1));
    case "loop":
      return 15 * MINUTE;
  }
}

const MOST_A_SECOND = 200;

/** Spreads the probes of all primaries: at most 200 per second. */
export class Pacer {
  #next = 0;

  /** Reserves the time at which one more probe may begin, in ms since 1970; `now` or later. */
  slot(now: number): number {
    const slot = Math.max(now, this.#next);
    this.#next = slot + SECOND / MOST_A_SECOND;
    return slot;
  }
}
