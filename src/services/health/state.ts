import { isPermanent } from "../../mail/reply.ts";
import type { PrimaryState } from "../../ports/health.ts";
import type { DestinationTrouble } from "../../ports/smtp-client.ts";

const AWAY: ReadonlySet<PrimaryState> = new Set(["down", "banned", "loop"]);

/** It is known to take no mail at present. */
export function isAway(state: PrimaryState): boolean {
  return AWAY.has(state);
}

/** What is known of one primary. Times in ms since 1970. */
export interface HealthRecord {
  readonly state: PrimaryState;
  /** When this state began. */
  readonly since: number;
  /** When the present outage began; absent while it is up. */
  readonly awaySince?: number;
  readonly why?: string;
  /** It did, since it came up, what a primary is for. */
  readonly proven: boolean;
  /** Times in a row that it came up and failed before it was proven. */
  readonly relapses: number;
  /** After a relapse: not taken for up before this. */
  readonly notBefore: number;
  /** Refusals at connect in a row. */
  readonly bans: number;
  /** Its last good word. */
  readonly lastGood: number;
}

export type Signal =
  /** Something listens. */
  | { readonly kind: "knocked" }
  /** Greeting, EHLO and TLS went well. `idle`: no mail waits that could prove it further. */
  | { readonly kind: "greeted"; readonly idle: boolean }
  /** It answered a whole mail, whatever it said. */
  | { readonly kind: "answered" }
  /** `probe`: found by a probe, not by a conversation with mail. */
  | { readonly kind: "trouble"; readonly trouble: DestinationTrouble; readonly probe: boolean };

/** How long one that greets, and then fails the first mail, is left alone, in ms: doubling from the first to the longest. */
const FIRST_RELAPSE = 1000;
const LONGEST_RELAPSE = 60_000;
/** How long a server may count a connection of ours that has ended, in ms. */
const COUNTED_ON = 1000;

export function unknownHealth(now: number): HealthRecord {
  return { state: "unknown", since: now, proven: false, relapses: 0, notBefore: 0, bans: 0, lastGood: 0 };
}

/** The state machine of ports/health.ts. Answers the same object when nothing changed. */
export function next(health: HealthRecord, signal: Signal, now: number): HealthRecord {
  switch (signal.kind) {
    case "knocked":
      return health.state === "up" ? { ...health, lastGood: now } : health;
    case "greeted":
      return greeted(health, signal.idle, now);
    case "answered":
      return answered(health, now);
    case "trouble":
      return troubled(health, signal.trouble, signal.probe, now);
  }
}

function greeted(health: HealthRecord, idle: boolean, now: number): HealthRecord {
  const isUp = health.state === "up";
  if (!isUp && now < health.notBefore) return health;
  const heard = isUp ? { ...health, lastGood: now } : { ...up(health, now), proven: false };
  return idle || health.state === "unknown" ? proven(heard) : heard;
}

function answered(health: HealthRecord, now: number): HealthRecord {
  if (health.state === "loop") return health;
  return proven(health.state === "up" ? { ...health, lastGood: now } : up(health, now));
}

function proven(health: HealthRecord): HealthRecord {
  return { ...health, proven: true, relapses: 0, bans: 0 };
}

function up(health: HealthRecord, now: number): HealthRecord {
  const { awaySince: _, why: __, ...rest } = health;
  return { ...rest, state: "up", since: now, lastGood: now, notBefore: 0 };
}

function troubled(
  health: HealthRecord,
  trouble: DestinationTrouble,
  probe: boolean,
  now: number,
): HealthRecord {
  if (trouble.stage === "loop") return away(health, "loop", trouble.message, now);
  if (health.state === "up") {
    return health.proven || probe ? suspect(health, trouble, now) : relapsed(health, trouble, now);
  }
  // Other conversations that break together tell nothing new; the probe decides.
  if (!probe || mayCountOurLast(health, trouble, now)) return health;
  return fallen(health, trouble, now);
}

function suspect(health: HealthRecord, trouble: DestinationTrouble, now: number): HealthRecord {
  return {
    ...health,
    state: "suspect",
    since: now,
    awaySince: now,
    why: trouble.message,
    proven: false,
  };
}

function relapsed(health: HealthRecord, trouble: DestinationTrouble, now: number): HealthRecord {
  const pause = Math.min(LONGEST_RELAPSE, FIRST_RELAPSE * 2 ** Math.min(health.relapses, 10));
  return fallen({ ...health, relapses: health.relapses + 1, notBefore: now + pause }, trouble, now);
}

function fallen(health: HealthRecord, trouble: DestinationTrouble, now: number): HealthRecord {
  if (!refusesUs(trouble)) return away(health, "down", trouble.message, now);
  return { ...away(health, "banned", trouble.message, now), bans: health.bans + 1 };
}

function away(health: HealthRecord, state: PrimaryState, why: string, now: number): HealthRecord {
  const { since, awaySince = now } = health;
  return { ...health, state, since: state === health.state ? since : now, awaySince, why, proven: false };
}

/** One connection too many, it says, just after trouble that ended one of ours. */
function mayCountOurLast(
  { since }: HealthRecord,
  { stage, reply }: DestinationTrouble,
  now: number,
): boolean {
  return stage === "greeting" && reply?.code === 421 && now - since < COUNTED_ON;
}

/** 421 or a permanent reply instead of a greeting. */
export function refusesUs({ stage, reply }: DestinationTrouble): boolean {
  return stage === "greeting" && reply !== undefined && (reply.code === 421 || isPermanent(reply));
}
