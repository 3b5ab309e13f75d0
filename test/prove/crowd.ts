/**
 * Ten thousand silent connections and two hundred slow senders beside normal load: the normal senders' 99th
 * percentile less than doubles against the same load alone, nobody of the crowd is lost, and an idle connection
 * costs little memory. The load runs alone before and after the crowd, so that a slow machine is slow for both.
 */
import { Crowd } from "../support/crowd.ts";
import { Daemon } from "../support/daemon.ts";
import { type Lateness, LatenessWatch, latenessFault } from "../support/loop-delay.ts";
import { type Pace, sendPaced } from "../support/paced-senders.ts";
import { processMemory } from "../support/process-usage.ts";
import { median, percentile } from "../support/quantiles.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause } from "../support/wait.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { untilDrained } from "./story.ts";

const DOMAIN = "example.test";
const PROCESSES = 2;
/** Of the normal senders' 99th percentile, beside the crowd and alone. */
const MOST_RATIO = 2;
/** Kilobytes of an idle connection. */
const MOST_IDLE = 25;

const LONG = { idle: 10_000, slow: 200, mails: 2000, rate: 100 };
const SHORT = { idle: 200, slow: 10, mails: 30, rate: 100 };

export async function prove({ short, say }: ProofOptions): Promise<ProofResult> {
  const scale = short ? SHORT : LONG;
  await using folder = await tempFolder();
  await using sink = await openSink();
  // Far from full: nobody is hurried.
  const limits = { connections: 2 * scale.idle, connectionsPerClient: 5000 };
  const smtp = { threads: 1, greetDelay: "0s", limits };
  const plan = { folder: folder.path, primaryPort: sink.port, domain: DOMAIN, smtp };
  await using daemon = await Daemon.start(plan);
  const pace = { port: daemon.smtpPort, domain: DOMAIN, count: scale.mails, rate: scale.rate, size: 4096 };
  // The first mails of a new daemon wait for its compiler.
  await sendPaced({ ...pace, count: Math.ceil(scale.mails / 5) });
  const failures: string[] = [];
  const alone = [await measured("alone", pace, { failures, say })];
  const crowded = await besideCrowd(daemon, { ...scale, pace, short }, { failures, say });
  await pause(short ? 50 : 2000);
  alone.push(await measured("alone again", pace, { failures, say }));
  await untilDrained(daemon, 60_000);
  const ratio = crowded.p99 / Math.max(...alone);
  if (!short && ratio >= MOST_RATIO) failures.push(`normal senders wait ${ratio.toFixed(2)} times as long`);
  return {
    claim: `beside ${scale.idle} idle connections and ${scale.slow} slow senders, normal senders' p99 less than doubles`,
    counts: {
      idle: scale.idle,
      slow: scale.slow,
      mails: scale.mails,
      p99AloneMs: Math.round(Math.max(...alone)),
      p99CrowdMs: Math.round(crowded.p99),
      "ratio%": Math.round(ratio * 100),
      bytesPerIdle: crowded.bytesPerIdle,
      loopDelayMs: crowded.lateness.daemon,
      idleLoopDelayMs: crowded.lateness.idle,
    },
    failures,
  };
}

interface Telling {
  readonly failures: string[];
  readonly say: (line: string) => void;
}

/** The 99th percentile of the normal senders, in ms. */
async function measured(what: string, pace: Pace, { failures, say }: Telling): Promise<number> {
  const { times, refused } = await sendPaced(pace);
  const p99 = percentile(times, 0.99);
  say(`${what}: ${times.length} mails, median ${median(times).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
  if (refused.length > 0)
    failures.push(`${what}: ${refused.length} normal senders refused, one: ${refused[0]}`);
  return p99;
}

interface CrowdScale {
  readonly idle: number;
  readonly slow: number;
  readonly pace: Pace;
  readonly short: boolean;
}

async function besideCrowd(
  daemon: Daemon,
  { idle, slow, pace, short }: CrowdScale,
  telling: Telling,
): Promise<{ p99: number; bytesPerIdle: number; lateness: Lateness }> {
  const { failures, say } = telling;
  const order = { port: daemon.smtpPort, domain: DOMAIN };
  await using crowd = new Crowd();
  const before = processMemory(daemon.pid).pss;
  const each = idle / PROCESSES;
  const opened = Array.from({ length: PROCESSES }, (_, n) =>
    crowd.add({ ...order, count: each, from: n * 100, manner: "idle" }),
  );
  await Promise.all(opened);
  await pause(short ? 50 : 3000);
  const bytesPerIdle = Math.round(((processMemory(daemon.pid).pss - before) * 1e6) / idle);
  say(`${idle} idle connections: ${(bytesPerIdle / 1000).toFixed(1)} KB each (PSS)`);
  // A short form's few connections are lost in what else the heap does.
  if (!short && bytesPerIdle > MOST_IDLE * 1000)
    failures.push(`an idle connection costs ${bytesPerIdle} bytes`);
  await crowd.add({ ...order, count: slow, from: 300, manner: "slow" });
  using watch = new LatenessWatch(daemon);
  await watch.take();
  const p99 = await measured("beside the crowd", pace, telling);
  const lateness = await watch.take();
  say(`event loop of the SMTP thread: at most ${lateness.daemon} ms late, an idle one ${lateness.idle} ms`);
  const fault = latenessFault(lateness);
  if (!short && fault !== undefined) failures.push(fault);
  const { open, lost } = await crowd.report();
  if (open !== idle + slow || lost > 0) failures.push(`of the crowd ${open} are open and ${lost} lost`);
  return { p99, bytesPerIdle, lateness };
}
