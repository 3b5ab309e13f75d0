/**
 * The disk fills up while mail comes in and goes out: below the reserve, and to the last block in the middle of
 * bodies and commits. New mail gets 452 4.3.1, delivery goes on, mail is accepted again soon after space returned,
 * and nothing that got its 250 is lost. Needs root, for a small file system of its own.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../support/daemon.ts";
import { createLoad } from "../support/load.ts";
import { asData, openSmtp } from "../support/raw-smtp.ts";
import { openSink } from "../support/sink.ts";
import { fillUp, smallDisk, smallDiskMissing } from "../support/small-disk.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause, waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import { inTurns, skipped, type Part, type ProofOptions, type ProofResult } from "./proof.ts";
import { IN_EACH_HOME, recordArrivals, recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
const MEGABYTE = 1024 * 1024;
/** Megabytes. */
const DISK = 96;
/** Milliseconds. */
const DRAIN_DEADLINE = 60_000;
/** Milliseconds from the return of the space to the first 250. */
const AGAIN_WITHIN = 10_000;

interface Turn {
  readonly name: string;
  readonly reserve: string;
  /** Octets left free by the file that takes the space. */
  readonly leave: number;
}

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const claim = "a full disk puts new mail off, delivers on, and loses nothing";
  const missing = smallDiskMissing();
  if (missing !== undefined) return skipped(claim, missing, options);
  const turns: readonly Turn[] = [
    { name: "reserve", reserve: "16MiB", leave: 8 * MEGABYTE },
    { name: "enospc", reserve: "0", leave: 0 },
  ];
  const part = await inTurns(turns, (turn, n) => takeTurn(turn, { ...options, seed: options.seed + n }));
  return { claim, ...part };
}

async function takeTurn(turn: Turn, { seed, short, say }: ProofOptions): Promise<Part> {
  await using folder = await tempFolder();
  const data = join(folder.path, "data");
  await using _disk = smallDisk(data, DISK);
  const ledger = new Ledger();
  await using sink = await openSink();
  recordArrivals(sink, ledger);
  const settings = { store: { reserve: turn.reserve } };
  const plan = { folder: folder.path, primaryPort: sink.port, domain: DOMAIN, settings };
  await using daemon = await Daemon.start(plan);
  const { pid } = daemon;
  const stop = new AbortController();
  const load = createLoad({
    port: daemon.smtpPort,
    domain: DOMAIN,
    recipients: ["alice", "bob"],
    seed,
    sessions: 10,
    ...IN_EACH_HOME,
    ledger,
  });
  const loading = load.sendUntil(stop.signal);
  const failures: string[] = [];
  let slowest = 0;
  const rounds = short ? 1 : 5;
  for (let round = 0; round < rounds; round++) {
    const acked = ledger.count("acked");
    await waitFor({ what: "mail flows", deadline: 20_000 }, () => ledger.count("acked") > acked + 20);
    const filler = fillUp(data, turn.leave);
    await waitFor({ what: "new mail is put off", deadline: 20_000 }, () => isPutOff(daemon.smtpPort));
    const arrived = sink.mails.length;
    await pause(short ? 500 : 2000);
    const delivered = sink.mails.length - arrived;
    const held = await daemon.held();
    rmSync(filler);
    const begin = performance.now();
    const before = ledger.count("acked");
    await waitFor({ what: "mail is accepted again", deadline: 30_000 }, () => ledger.count("acked") > before);
    const again = performance.now() - begin;
    slowest = Math.max(slowest, again);
    say(
      `${turn.name}, round ${round + 1}: ${delivered} arrived while full, ${held} held, accepted again after ${again.toFixed(0)} ms`,
    );
    if (turn.leave > 0 && held > 0 && delivered === 0) failures.push("nothing was delivered while full");
    if (again > AGAIN_WITHIN) failures.push(`accepted again only after ${again.toFixed(0)} ms`);
  }
  stop.abort();
  await loading;
  await daemon.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  await untilDrained(daemon, DRAIN_DEADLINE);
  await recordNamedDoubles(daemon, ledger);
  if (daemon.pid !== pid || !(await daemon.status()).ready)
    failures.push("the daemon did not live through it");
  if (/thread died|the storage thread has ended/.test(daemon.output())) failures.push("a thread died");
  const verdict = ledger.check();
  const counts = { ...verdict.counts, slowestAgainMs: Math.round(slowest) };
  return { counts, failures: [...failures, ...verdict.failures] };
}

/** One mail of our own gets 452 4.3.1, at MAIL or at the final dot. */
async function isPutOff(port: number): Promise<boolean> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) return false;
  try {
    for (const line of ["EHLO full.example", "MAIL FROM:<>", `RCPT TO:<nobody@${DOMAIN}>`, "DATA"]) {
      const reply = await smtp.command(line);
      if (reply?.code === 452 && reply.lines[0]?.startsWith("452 4.3.1") === true) return true;
      if (reply === undefined || reply.code >= 400) return false;
    }
    // Left without its final dot: a probe must not become a mail.
    smtp.write(asData(Buffer.from("Subject: probe\r\n")).subarray(0, -3));
    return false;
  } finally {
    smtp.close();
  }
}
