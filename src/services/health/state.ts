import { isPermanent } from "../../mail/reply.ts";
import type { PrimaryState } from "../../ports/health.ts";
import type { DestinationTrouble } from "../../ports/smtp-client.ts";

const AWAY: ReadonlySet<PrimaryState> = new Set(["down", "banned", "loop"]);

/** Whether the primary is known to accept no mail at present. */
export function isAway(state: PrimaryState): boolean {
  return AWAY.has(state);
}

/** What is known about one primary. Times in ms since 1970. */
export interface HealthRecord {
  readonly state: PrimaryState;
  /** When this state began. */
  readonly since: number;
  /** When the present outage began; absent while it is up. */
  readonly awaySince?: number;
  readonly why?: string;
  /** Since it came up, it has answered a whole mail, or has greeted while no mail was held for it. */
  readonly proven: boolean;
  /** How many times in a row it came up and failed before it was proven. */
  readonly relapses: number;
  /** After a relapse, a greeting before this time does not count; 0 while it is up. */
  readonly notBefore: number;
  /** How many times in a row it refused us at connect or at login. */
  readonly bans: number;
  /** The last time that it accepted a connection, greeted or answered a mail. */
  readonly lastGood: number;
}

export type Signal =
  /** A probe's TCP connection was accepted. */
  | { readonly kind: "knocked" }
  /** Greeting, EHLO and TLS succeeded. `idle`: no mail is held whose delivery would prove more. */
  | { readonly kind: "greeted"; readonly idle: boolean }
  /** It answered a whole mail, positively or not. */
  | { readonly kind: "answered" }
  /** `probe`: a probe failed, not a conversation with mail. */
  | { readonly kind: "trouble"; readonly trouble: DestinationTrouble; readonly probe: boolean };

/** How long greetings of a primary do not count after a relapse, in ms; doubles with each relapse. */
const FIRST_RELAPSE = 1000;
const LONGEST_RELAPSE = 60_000;
/** How long a server may still count a closed connection of ours as open, in ms. */
const COUNTED_ON = 1000;

export function unknownHealth(now: number): HealthRecord {
  return { state: "unknown", since: now, proven: false, relapses: 0, notBefore: 0, bans: 0, lastGood: 0 };
}

/** The state machine of ports/health.ts. Returns the same object if nothing changed. */
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
  if (now < health.notBefore) return health;
  const heard = health.state === "up" ? { ...health, lastGood: now } : { ...up(health, now), proven: false };
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
  // Several conversations often break together. Only the probe decides whether the primary is down.
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

/** A 421 just after a conversation broke: the primary may still count the broken connection. */
function mayCountOurLast({ since }: HealthRecord, trouble: DestinationTrouble, now: number): boolean {
  return refusesUs(trouble) && trouble.reply?.code === 421 && now - since < COUNTED_ON;
}

/**
 * Whether the primary sent 421 or a permanent reply instead of a greeting, or to a login: a wrong password that is sent
 * each second locks the account, or has this machine blocked.
 */
export function refusesUs({ stage, reply }: DestinationTrouble): boolean {
  if (stage !== "greeting" && stage !== "login") return false;
  return reply !== undefined && (reply.code === 421 || isPermanent(reply));
}
