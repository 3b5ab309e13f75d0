/**
 * Primaries as they really are: away, half back, suspicious of us, slow, broken. Whatever they do, each mail ends as
 * the table of its behaviour says, what was delivered is there octet for octet, nothing is lost, nothing is doubled
 * without being named, and the operator is told what calls for him and nothing else.
 *
 * Several behaviours share a daemon, one domain each. Days and minutes are of the test clock; the 2 seconds to the
 * first mail and the seconds of the flapping one are real.
 */
import { join } from "node:path";
import { tempFolder } from "../support/temp-folder.ts";
import { MINUTE, type Behaviour } from "./primaries/behaviour.ts";
import { DIALECTS } from "./primaries/dialects.ts";
import { MANNERS } from "./primaries/manners.ts";
import { OUTAGES } from "./primaries/outages.ts";
import { FLAPPING, SLOW } from "./primaries/paces.ts";
import { COUNTED, type Account } from "./primaries/scene.ts";
import { secrecy } from "./primaries/secrecy.ts";
import { Stage } from "./primaries/stage.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";

const DAYS = 72 * 60 * MINUTE;

interface Act {
  readonly name: string;
  readonly behaviours: readonly Behaviour[];
  /** Days that pass before anything is mended. */
  readonly outage?: number;
  /** Milliseconds of the test clock, and the real ones that they take; from the mending on. */
  readonly pace: readonly [step: number, every: number];
}

/** Of the short form. */
const CHOSEN = new Set([
  "greylists us for 5 minutes",
  "refuses spam only",
  "says 250 twice to each BDAT that it takes, and refuses one in four",
  "closes after the dot of one mail in eight",
  "three primaries, the first dies in the middle of DATA",
  "replies without end",
  "breaks STARTTLS, require",
]);

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  await using folder = await tempFolder();
  const all = await acts(folder.path);
  const chosen = short
    ? [{ ...(all[0] as Act), behaviours: (all[0] as Act).behaviours.filter(({ name }) => CHOSEN.has(name)) }]
    : all;
  const results = await Promise.all(
    chosen.map((act, n) => play(act, { folder: join(folder.path, act.name), seed: seed * 10 + n })),
  );
  const accounts = results.flatMap((result) => result.accounts);
  for (const { line } of accounts) say(line);
  return {
    claim: `${accounts.length} behaviours of a primary end as expected, nothing is lost, no double is unnamed`,
    counts: sums(accounts),
    failures: [...accounts.flatMap(({ failures }) => failures), ...results.flatMap(({ late }) => late)],
  };
}

async function acts(folder: string): Promise<readonly Act[]> {
  return [
    {
      name: "manners",
      behaviours: [...MANNERS, ...DIALECTS, ...(await secrecy(folder))],
      pace: [MINUTE, 300],
    },
    { name: "outages", behaviours: OUTAGES, outage: DAYS, pace: [MINUTE, 300] },
    { name: "slow", behaviours: SLOW, pace: [1000, 20] },
    { name: "flapping", behaviours: FLAPPING, pace: [MINUTE, 300] },
  ];
}

interface Played {
  readonly accounts: readonly Account[];
  readonly late: readonly string[];
}

async function play(
  { behaviours, outage, pace }: Act,
  plan: { readonly folder: string; readonly seed: number },
): Promise<Played> {
  await using stage = await Stage.open({ ...plan, behaviours });
  await stage.begin();
  if (outage !== undefined) await stage.outlast(outage, 3);
  await stage.mend();
  await stage.finish(...pace);
  return { accounts: await stage.accounts(), late: stage.late };
}

function sums(accounts: readonly Account[]): Record<string, number> {
  const sum = (pick: (one: Account) => number): number => accounts.reduce((all, one) => all + pick(one), 0);
  const counts: Record<string, number> = { behaviours: accounts.length, mails: sum(({ mails }) => mails) };
  for (const state of COUNTED) counts[state] = sum((one) => one.counts[state]);
  return { ...counts, doubledButNamed: sum(({ named }) => named) };
}
