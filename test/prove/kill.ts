/**
 * kill -9 at random moments, while mail comes in and goes out: nothing that got its 250 is lost or altered, nothing
 * that was refused appears, and what arrives twice was named by the daemon as a possible double. After a kill
 * the database is looked through, and the result is told.
 */
import { Daemon } from "../support/daemon.ts";
import { createLoad } from "../support/load.ts";
import { seededRandom } from "../support/random.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import {
  CHECKED,
  findingsOf,
  recordArrivals,
  recordNamedDoubles,
  untilDrained,
  untilUnderLoad,
} from "./story.ts";

const DOMAIN = "example.test";
const RECIPIENTS = ["alice", "bob", "carol", "dave", "list-news"];
/** A kill comes this many milliseconds after the first 250 of a life, at most. */
const LONGEST_LIFE = 700;
/** Milliseconds. */
const DRAIN_DEADLINE = 120_000;

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const kills = short ? 3 : 50;
  const random = seededRandom(seed);
  await using folder = await tempFolder();
  const ledger = new Ledger();
  await using sink = await openSink();
  recordArrivals(sink, ledger);
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort: sink.port, domain: DOMAIN });
  const stop = new AbortController();
  const load = createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients: RECIPIENTS,
    seed,
    sessions: 20,
    size: 6000,
    maxRecipients: 3,
    // Beyond 16 KiB bodies share a file, beyond 64 KiB each lies in its own.
    others: [
      { size: 60_000, oneIn: 4 },
      { size: 150_000, oneIn: 25 },
    ],
    ledger,
  });
  const loading = load.sendUntil(stop.signal);
  const failures: string[] = [];
  if (daemon.output().includes(CHECKED)) failures.push("a new folder was looked through");
  let slowest = 0;
  for (let n = 1; n <= kills; n++) {
    await untilUnderLoad(ledger);
    await pause(random.below(LONGEST_LIFE));
    await daemon.kill();
    const ready = await daemon.restart();
    slowest = Math.max(slowest, ready);
    say(
      `kill ${n}: ${load.offered} offered, ${sink.mails.length} arrived, ready again after ${ready.toFixed(0)} ms`,
    );
  }
  stop.abort();
  await loading;
  // What was in a conversation when the daemon died would wait for its next turn.
  await daemon.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  await untilDrained(daemon, DRAIN_DEADLINE);
  failures.push(...(await findingsOf(daemon)));
  await recordNamedDoubles(daemon, ledger);
  const { counts, failures: losses } = ledger.check();
  failures.push(...losses);
  return {
    claim: `${kills} kills lose nothing, and doubles are named`,
    counts: { kills, ...counts, slowestReadyMs: Math.round(slowest) },
    failures: counts.acked === 0 ? [...failures, "no mail got its 250: nothing was shown"] : failures,
  };
}
