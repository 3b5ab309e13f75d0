/**
 * A list of 100,000 recipients is replaced through the API, again and again, while mail comes in. A replacement is in
 * place within 5 s (the median, for the machine has other things to do); nobody is told anything wrong at any moment:
 * in one transaction the old list counts or the new one, never some of each; the p99 of accepts meanwhile stays below
 * twice that of the quiet times between; the memory of the daemon does not grow from one replacement to the next.
 */
import { Daemon } from "../support/daemon.ts";
import { createLoad } from "../support/load.ts";
import { cpuTime, processMemory } from "../support/process-usage.ts";
import { median } from "../support/quantiles.ts";
import { rcptReplies } from "../support/rcpt.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { TimedLedger } from "../support/timed-ledger.ts";
import { pause, waitFor } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { recordArrivals, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
const PATH = `/v1/domains/${DOMAIN}/recipients`;
/** Milliseconds. */
const WITHIN = 5000;
/** Milliseconds. */
const BETWEEN = 3000;
const RATIO = 2;
/** Times below are those of the machine, and no measure of ours, in ms. */
const NOISE = 5;
/** Megabytes that may come and go. */
const SLACK = 60;

/** What askers saw. */
interface Seen {
  asked: number;
  readonly wrong: string[];
}

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const size = short ? 5000 : 100_000;
  const rounds = short ? 2 : 8;
  const lists = ["odd", "even"].map((name) => replacement(namesOf(name, size)));
  await using folder = await tempFolder();
  const ledger = new TimedLedger();
  await using sink = await openSink();
  recordArrivals(sink, ledger);
  const domainSettings = { recipients: [] };
  const smtp = {
    limits: {
      connectionsPerClient: 10_000,
      mailsPerConnection: 1_000_000,
      refusedRecipients: 100_000,
      commandsWithoutMail: 100_000,
    },
  };
  const plan = { folder: folder.path, primaryPort: sink.port, domain: DOMAIN, domainSettings, smtp };
  await using daemon = await Daemon.start(plan);
  const failures: string[] = [];
  await replace(daemon, lists[0], size);
  const stop = new AbortController();
  const recipients = ["stays0", "stays1", "stays2"];
  const load = { port: daemon.smtpPort, domain: DOMAIN, recipients, seed, sessions: 8, size: 4000, ledger };
  const loading = createLoad(load).sendUntil(stop.signal);
  const seen: Seen = { asked: 0, wrong: [] };
  const asking = askAlong(daemon.smtpPort, size, stop.signal, seen);
  await waitFor({ what: "load", deadline: 20_000 }, () => ledger.count("acked") > 50);

  const memory: number[] = [];
  const times: number[] = [];
  ledger.begin();
  for (let round = 1; round <= rounds; round++) {
    ledger.during("quiet");
    await pause(short ? 200 : BETWEEN);
    ledger.during("busy");
    const [begun, cpu] = [performance.now(), cpuTime(daemon.pid)];
    await replace(daemon, lists[round % 2], size);
    const took = Math.round(performance.now() - begun);
    times.push(took);
    memory.push(processMemory(daemon.pid).rss);
    const spent = cpuTime(daemon.pid) - cpu;
    say(`replaced in ${took} ms, with ${spent} ms of processor; the daemon holds ${memory.at(-1)} MB`);
  }
  const [quiet, busy] = [ledger.p99("quiet"), ledger.p99("busy")];
  const ratio = Math.round((100 * busy) / Math.max(quiet, NOISE)) / 100;
  say(`quiet: p99 of ${ledger.timed("quiet")} accepts ${quiet} ms`);
  say(`busy: p99 of ${ledger.timed("busy")} accepts ${busy} ms, ${ratio} times that`);
  const usual = Math.round(median(times));
  stop.abort();
  await Promise.all([loading, asking]);
  const list = await daemon.api<{ items: readonly unknown[] }>("GET", `${PATH}?limit=1000`);
  if (list.items.length === 0) failures.push("the list is gone");
  await untilDrained(daemon, 60_000);
  const verdict = ledger.check();
  if (usual > WITHIN && !short) failures.push(`a replacement took ${usual} ms`);
  if (ratio > RATIO && !short) failures.push(`p99 became ${ratio} times the quiet one`);
  if (ledger.count("nacked") > 0)
    failures.push(`${ledger.count("nacked")} mails to listed ones were not taken`);
  if (seen.wrong.length > 0) failures.push(`${seen.wrong.length} wrong answers, such as ${seen.wrong[0]}`);
  // The first replacements fill caches; from then on nothing may be left behind.
  const [settled = 0, last = 0] = [memory[Math.floor(rounds / 2)], memory.at(-1)];
  if (last - settled > SLACK) failures.push(`memory grew from ${settled} to ${last} MB`);
  return {
    claim: `a list of ${size} recipients is replaced under load, with no wrong answer`,
    counts: {
      replaced: rounds,
      medianMs: usual,
      longestMs: Math.max(...times),
      quietP99Ms: quiet,
      p99Ms: busy,
      ratio,
      asked: seen.asked,
      wrong: seen.wrong.length,
      memoryMB: last,
      accepted: verdict.counts.acked,
      lost: verdict.counts.lost,
    },
    failures: [...failures, ...verdict.failures],
  };
}

function namesOf(list: string, size: number): readonly string[] {
  const own = Array.from({ length: size - 3 }, (_, n) => `${list}${n}`);
  return [...own, "stays0", "stays1", "stays2"];
}

/** Made beforehand: this process measures how long accepts take, and has one thread. */
function replacement(recipients: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify({ verb: "replace", recipients }));
}

async function replace(daemon: Daemon, list: Buffer | undefined, size: number): Promise<void> {
  const { count } = await daemon.api<{ count: number }>("POST", PATH, list);
  if (count !== size) throw new Error(`the list has ${count} entries`);
}

/** Names first, last and middle of both lists in one transaction: all of one list, none of the other. */
async function askAlong(port: number, size: number, stop: AbortSignal, seen: Seen): Promise<void> {
  const places = [0, Math.floor(size / 2), size - 4];
  const names = ["stays1", "nobody", ...["odd", "even"].flatMap((list) => places.map((n) => `${list}${n}`))];
  while (!stop.aborted) {
    const replies = await rcptReplies(
      port,
      names.map((name) => `${name}@${DOMAIN}`),
    );
    const codes = replies.map((text) => text.slice(0, 3)).join(" ");
    seen.asked += names.length;
    if (!/^250 550 (?:(?:250 ){3}550 550 550|(?:550 ){3}250 250 250)$/.test(codes)) seen.wrong.push(codes);
    await pause(5);
  }
}
