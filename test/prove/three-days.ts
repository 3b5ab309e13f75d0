/**
 * The primary is away for three days: all mail is still held, and when it returns the first one is there within
 * two seconds, as after three minutes, and each arrives once, unaltered.
 *
 * The days are of the test clock that all threads of the daemon share; the two seconds are real.
 */
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { ResidentDaemon } from "../support/resident-daemon.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { recordArrivals, recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
const HOUR = 3_600_000;
const OUTAGE = 72 * HOUR;
/** Milliseconds from the primary's return to the first mail. */
const FIRST_WITHIN = 2000;
/** Milliseconds. */
const DRAIN_DEADLINE = 120_000;

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const count = short ? 200 : 10_000;
  await using folder = await tempFolder();
  const primaryPort = await freePort();
  await using daemon = await ResidentDaemon.start({ folder: folder.path, primaryPort, domain: DOMAIN });
  const ledger = new Ledger();
  const recipients = ["alice", "bob", "carol"];
  const size = 4096;
  await createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients,
    seed,
    sessions: 50,
    size,
    ledger,
  }).send(count);
  const accepted = ledger.count("acked");
  const probes = await letTimePass(daemon, short ? 3 : 12);
  const held = await countListed(daemon);
  say(`${accepted} accepted; after 72 hours and ${probes} looks at the primary ${held} are held`);

  await using sink = await openSink(primaryPort);
  recordArrivals(sink, ledger);
  const back = performance.now();
  await waitFor({ what: "the first mail", deadline: DRAIN_DEADLINE, every: 1 }, () => sink.mails.length > 0);
  const first = performance.now() - back;
  await untilDrained(daemon, DRAIN_DEADLINE);
  const drained = performance.now() - back;
  say(`first mail ${first.toFixed(0)} ms after the return, all after ${drained.toFixed(0)} ms`);
  await recordNamedDoubles(daemon, ledger);
  const { counts, failures } = ledger.check();
  return {
    claim: `${count} mails outlast three days without their primary and each arrives once, the first within 2 s`,
    counts: {
      ...counts,
      hours: OUTAGE / HOUR,
      stillHeld: held,
      firstMs: Math.round(first),
      drainedMs: Math.round(drained),
    },
    failures: [
      ...(accepted === count ? [] : [`${accepted} of ${count} mails got their 250`]),
      ...(held === accepted ? [] : [`${held} of ${accepted} mails were still held after 72 hours`]),
      ...(first <= FIRST_WITHIN ? [] : [`the first mail came ${first.toFixed(0)} ms after the return`]),
      ...failures,
    ],
  };
}

/** Moves the clock in steps; after each the daemon must have asked for the primary again and found nobody. */
async function letTimePass(daemon: ResidentDaemon, steps: number): Promise<number> {
  const asked = async (): Promise<number> => {
    const primary = await daemon.primary();
    return primary?.state === "down" ? (primary.lastProbe ?? 0) : 0;
  };
  const wait = { what: "the primary is found to be down", deadline: 20_000 };
  for (let step = 0; step < steps; step++) {
    const before = await waitFor(wait, async () => (await asked()) || undefined);
    daemon.pass(OUTAGE / steps);
    await waitFor(wait, async () => (await asked()) >= before + OUTAGE / steps);
  }
  return steps;
}

async function countListed(daemon: ResidentDaemon): Promise<number> {
  let count = 0;
  for await (const entry of daemon.entries()) if (entry.state === "waiting") count += 1;
  return count;
}
