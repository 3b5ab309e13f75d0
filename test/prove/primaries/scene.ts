/** One behaviour on stage: its primaries, its domain, its mail, and what became of that. */
import type { QueueEntryBody } from "../../../src/endpoints/admin/contract.ts";
import type { FakePrimary, Primary } from "../../support/fake-primary.ts";
import { describeMail, type SunkMail } from "../../support/sink.ts";
import { Ledger } from "../checker.ts";
import type { Behaviour, CountedState, Counts } from "./behaviour.ts";
import type { ToldAlert } from "./told.ts";

/** Milliseconds from the return to the first mail. */
const PROMPTLY = 2000;

export interface Scene {
  readonly behaviour: Behaviour;
  readonly domain: string;
  readonly primaries: readonly Primary[];
  /** `host:port` of the preferred one. */
  readonly destination: string;
  readonly ledger: Ledger;
  /** Milliseconds from its opening to its first mail. */
  first?: number;
}

export const COUNTED: readonly CountedState[] = ["delivered", "parked", "held", "waiting", "unconfirmed"];

export function countsOf(entries: readonly QueueEntryBody[]): Required<Counts> {
  const counts = { waiting: 0, unconfirmed: 0, held: 0, parked: 0, delivered: 0 };
  for (const { state, reason } of entries) {
    const name = state === "gone" ? reason : state;
    if (name !== undefined && name in counts) counts[name as CountedState] += 1;
  }
  return counts;
}

/** All that are expected, and no other. */
export function matches(counts: Counts, expected: Counts): boolean {
  return COUNTED.every((state) => (counts[state] ?? 0) === (expected[state] ?? 0));
}

export function inWords(counts: Counts): string {
  return COUNTED.map((state) => `${state} ${counts[state] ?? 0}`).join(", ");
}

/** What the primaries of a scene got. */
function arrivalsOf(primaries: readonly FakePrimary[]): readonly SunkMail[] {
  return primaries.flatMap(({ mails }) =>
    mails.map(({ data, recipients }) => describeMail(data.toString("latin1"), recipients)),
  );
}

export interface Account {
  readonly line: string;
  readonly mails: number;
  readonly failures: readonly string[];
  readonly counts: Required<Counts>;
  readonly named: number;
}

/** Adds it all up: states from the daemon, octets from the primaries, alerts from the webhook. */
export function account(
  scene: Scene,
  entries: readonly QueueEntryBody[],
  alerts: readonly ToldAlert[],
): Account {
  const { behaviour, ledger, primaries } = scene;
  const counts = countsOf(entries);
  const arrivals = arrivalsOf(primaries);
  for (const arrival of arrivals) ledger.sink(arrival);
  for (const entry of entries) {
    if (entry.unconfirmed > 0) ledger.name(entry.id, entry.recipient, entry.unconfirmed);
    if (entry.state !== "gone") ledger.hold(entry.subject?.replace("proof ", "") ?? "", entry.recipient);
  }
  const told = namesToldOf(scene, alerts);
  // A minute that passes at once in the middle of a greeting makes it slow.
  const allowed = new Set(["primary.slow", ...behaviour.told, ...(behaviour.mayTell ?? [])]);
  const missing = behaviour.told.filter((name) => !told.has(name));
  const extra = [...told].filter((name) => !allowed.has(name));
  const [preferred] = primaries;
  const complaint = preferred === undefined ? undefined : behaviour.complaint?.(preferred);
  const named = ledger.check().counts.doubledButNamed;
  const failures = [
    ...(matches(counts, behaviour.after)
      ? []
      : [`${inWords(counts)} instead of ${inWords(behaviour.after)}`]),
    ...missing.map((name) => `${name} was not told`),
    ...extra.map((name) => `${name} was told`),
    ...(complaint === undefined ? [] : [complaint]),
    ...ledger.check().failures,
    ...secretly(entries, arrivals),
    ...lateness(scene),
  ];
  const words = told.size === 0 ? "nothing" : [...told].join(" ");
  return {
    line: `${behaviour.name}: ${inWords(counts)}, named doubles ${named}; told ${words}`,
    failures: failures.map((failure) => `${behaviour.name}: ${failure}`),
    mails: ledger.count("acked"),
    counts,
    named,
  };
}

export function wasTold(scene: Scene, alerts: readonly ToldAlert[]): boolean {
  const told = namesToldOf(scene, alerts);
  return scene.behaviour.told.every((name) => told.has(name));
}

function namesToldOf({ domain, primaries, destination }: Scene, alerts: readonly ToldAlert[]): Set<string> {
  const ports = [destination, ...primaries.map(({ port }) => `:${port}`)];
  const isOurs = ({ subject }: ToldAlert): boolean =>
    subject.includes(domain) || ports.some((port) => subject.endsWith(port));
  return new Set(alerts.filter(isOurs).map(({ alert }) => alert));
}

function lateness({ behaviour, first }: Scene): readonly string[] {
  if (behaviour.promptly !== true || (first !== undefined && first <= PROMPTLY)) return [];
  return [`the first mail came ${first?.toFixed(0)} ms after the return`];
}

/** What the daemon does not call delivered must not be at the primary, unless it says that it may be. */
function secretly(entries: readonly QueueEntryBody[], arrivals: readonly SunkMail[]): readonly string[] {
  return entries.flatMap(({ id, recipient, state, reason, unconfirmed }) => {
    if (state === "gone" && reason === "delivered") return [];
    const times = arrivals.filter(
      (mail) => mail.queueId === id && mail.recipients.includes(recipient),
    ).length;
    return times > unconfirmed ? [`${id} for ${recipient} is ${state}, but arrived ${times} times`] : [];
  });
}
