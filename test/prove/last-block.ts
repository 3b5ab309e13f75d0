/**
 * Other programs take every block of the disk, and each that becomes free again, while mail is held. When its primary
 * returns, all of it is delivered, each mail once; also by a daemon that was killed and started in that state.
 */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { openSink } from "../support/sink.ts";
import { fillUp, freeOn, smallDisk, smallDiskMissing } from "../support/small-disk.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import { inTurns, skipped, type Part, type ProofOptions, type ProofResult } from "./proof.ts";
import { IN_EACH_HOME, recordArrivals, recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
/** Megabytes. */
const DISK = 128;
/** Octets. */
const BALLAST = 32 * 1024 * 1024;
/** Milliseconds. */
const DRAIN_DEADLINE = 60_000;
/** Milliseconds between two looks of the other programs for a block to take. */
const GREED = 50;

interface Turn {
  readonly name: string;
  readonly killed: boolean;
}

const TURNS: readonly Turn[] = [
  { name: "running", killed: false },
  { name: "restarted", killed: true },
];

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const claim = "mail is delivered, each once, from a disk without one free block";
  const missing = smallDiskMissing();
  if (missing !== undefined) return skipped(claim, missing, options);
  // The start is the harder half, and deliveries follow it.
  const turns = TURNS.filter(({ killed }) => killed || !options.short);
  return { claim, ...(await inTurns(turns, (turn) => takeTurn(turn, options))) };
}

async function takeTurn({ name, killed }: Turn, { seed, short, say }: ProofOptions): Promise<Part> {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  await using _disk = smallDisk(data, DISK);
  const primaryPort = await freePort();
  const settings = { store: { reserve: "0" } };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort, domain: DOMAIN, settings });
  const ledger = new Ledger();
  const load = createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients: ["alice", "bob"],
    seed,
    sessions: 10,
    ...IN_EACH_HOME,
    ledger,
  });
  await load.send(short ? 100 : 1000);
  await waitFor({ what: "the ballast is there, and the WAL is not", deadline: 20_000 }, () => {
    return sizeIn(data, "ballast") === BALLAST && sizeIn(data, "queue.sqlite-wal") === 0;
  });
  using greed = takeEveryBlock(data);
  if (killed) {
    await daemon.kill();
    await daemon.restart("lives");
  }
  const before = freeOn(data);
  const begin = performance.now();
  await using sink = await openSink(primaryPort);
  recordArrivals(sink, ledger);
  await untilDrained(daemon, DRAIN_DEADLINE);
  const took = performance.now() - begin;
  const left = sizeIn(data, "ballast");
  say(
    `${name}: ${sink.mails.length} arrived in ${took.toFixed(0)} ms, ${before} octets free before, ${left} left of the ballast`,
  );
  await recordNamedDoubles(daemon, ledger);
  const failures = left < BALLAST ? [] : ["there was room: the ballast was not touched"];
  if (!daemon.output().includes('"ballast"')) failures.push("the log says nothing of the ballast");
  greed.stop();
  rmSync(greed.file);
  if (!short) {
    await waitFor({ what: "mail is accepted again", deadline: 10_000 }, () => daemon.isReady());
    if (sizeIn(data, "ballast") < BALLAST) failures.push("mail is accepted before the ballast is whole");
    await load.send(10);
    await untilDrained(daemon, DRAIN_DEADLINE);
  }
  const verdict = ledger.check();
  const counts = { ...verdict.counts, freeBefore: before, tookMs: Math.round(took), ballastLeft: left };
  return { counts, failures: [...failures, ...verdict.failures] };
}

/** Programs that fill the disk, and take at once what becomes free. */
function takeEveryBlock(folder: string): Disposable & { readonly file: string; stop(): void } {
  const file = fillUp(folder, 0);
  const timer = setInterval(() => fillUp(folder, 0), GREED);
  const stop = (): void => clearInterval(timer);
  return { file, stop, [Symbol.dispose]: stop };
}

function sizeIn(folder: string, name: string): number {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
}
