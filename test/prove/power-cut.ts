/**
 * The power goes at random moments, while mail comes in and goes out and while the daemon starts: whatever was not
 * flushed is gone, and yet nothing that got its 250 is lost or altered, nothing that was refused appears, and what arrives
 * twice was named as a possible double. A file beside the queue that nobody flushed must be gone each time, or no power was
 * cut. Needs root, for a file system of its own.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CutDisk, cutDiskMissing, type FileSystem } from "../support/cut-disk.ts";
import { Daemon } from "../support/daemon.ts";
import { createLoad } from "../support/load.ts";
import { seededRandom } from "../support/random.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import { inTurns, skipped, type Part, type ProofOptions, type ProofResult } from "./proof.ts";
import {
  findingsOf,
  IN_EACH_HOME,
  recordArrivals,
  recordNamedDoubles,
  untilDrained,
  untilUnderLoad,
} from "./story.ts";

const DOMAIN = "example.test";
/** A cut comes this many milliseconds after the first 250 of a life, or after its start, at most. */
const LONGEST_LIFE = 700;
const LONGEST_START = 1200;
/** After so many cuts one more comes while the daemon starts. */
const AT_START_ONE_IN = 5;
/** Milliseconds. */
const DRAIN_DEADLINE = 30_000;
/** Octets that are written and never flushed. */
const UNFLUSHED = Buffer.alloc(10_000, "x");

interface Turn {
  readonly name: FileSystem;
  readonly cuts: number;
}

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const claim = "power cuts lose nothing that got its 250, and doubles are named";
  const missing = await cutDiskMissing("writeback");
  if (missing !== undefined) return skipped(claim, missing, options);
  const turns = await turnsFor(options);
  return {
    claim,
    ...(await inTurns(turns, (turn, n) => takeTurn(turn, { ...options, seed: options.seed + n }))),
  };
}

async function turnsFor({ short, say }: ProofOptions): Promise<readonly Turn[]> {
  if (short) return [{ name: "writeback", cuts: 3 }];
  const missing = await cutDiskMissing("xfs");
  if (missing !== undefined) say(`SKIPPED: ${missing}`);
  const names: readonly FileSystem[] =
    missing === undefined ? ["ext4", "writeback", "xfs"] : ["ext4", "writeback"];
  return names.map((name) => ({ name, cuts: 25 }));
}

async function takeTurn({ name, cuts }: Turn, { seed, say }: ProofOptions): Promise<Part> {
  const random = seededRandom(seed);
  await using folder = await tempFolder();
  await using disk = await CutDisk.make(folder.path, name);
  const ledger = new Ledger();
  await using sink = await openSink();
  recordArrivals(sink, ledger);
  await using daemon = await Daemon.start({
    folder: folder.path,
    primaryPort: sink.port,
    domain: DOMAIN,
    // A small disk, of which most is for mail.
    settings: { store: { reserve: "16MiB" } },
  });
  const load = createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients: ["alice", "bob", "carol", "dave", "list-news"],
    seed,
    sessions: 20,
    maxRecipients: 3,
    ...IN_EACH_HOME,
    ledger,
  });
  const stop = new AbortController();
  const loading = load.sendUntil(stop.signal);
  const failures: string[] = [];
  const cut = async (): Promise<void> => {
    if (await cutPower(daemon, disk))
      failures.push("what was never flushed outlived a cut: no power was cut");
  };
  for (let n = 1; n <= cuts; n++) {
    await untilUnderLoad(ledger);
    await pause(random.below(LONGEST_LIFE));
    await cut();
    if (random.below(AT_START_ONE_IN) === 0) {
      const starting = daemon.restart().catch(() => undefined);
      await pause(random.below(LONGEST_START));
      await cut();
      await starting;
    }
    await daemon.restart();
    say(`${name}, cut ${n}: ${ledger.count("acked")} accepted, ${sink.mails.length} arrived`);
  }
  stop.abort();
  await loading;
  failures.push(...(await failuresAtEnd(daemon)));
  await recordNamedDoubles(daemon, ledger);
  const { counts, failures: losses } = ledger.check();
  return { counts: { cuts, ...counts }, failures: [...failures, ...losses] };
}

/** Resolves when the disk is back; true when a file that nobody flushed is still there. */
async function cutPower(daemon: Daemon, disk: CutDisk): Promise<boolean> {
  const file = join(disk.path, "unflushed");
  await disk.armed();
  writeFileSync(file, UNFLUSHED);
  // From here on nobody hears of what the daemon still learns about its disk.
  process.kill(daemon.pid, "SIGSTOP");
  await disk.cut();
  await daemon.kill();
  await disk.comeBack();
  const outlived = existsSync(file) && readFileSync(file).equals(UNFLUSHED);
  rmSync(file, { force: true });
  return outlived;
}

/** All that is held is delivered, and the database is sound; what is lost the ledger tells, whatever this comes to. */
async function failuresAtEnd(daemon: Daemon): Promise<readonly string[]> {
  // What was in a conversation when the power went would wait for its next turn.
  await daemon.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  const drained = untilDrained(daemon, DRAIN_DEADLINE).then(() => [], asFailure);
  return [...(await drained), ...(await findingsOf(daemon).catch(asFailure))];
}

function asFailure(error: unknown): readonly string[] {
  return [String(error)];
}
