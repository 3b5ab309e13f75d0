/**
 * The daemon stays below 250 MB: idle, with large mails at once, with a thousand slow clients in the middle of a
 * body, with a long queue and its drain. One daemon goes through all of it, and everything arrives.
 */
import { Daemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { forgetPeak, processMemory } from "../support/process-usage.ts";
import { openSmtp, type RawSmtp } from "../support/raw-smtp.ts";
import { openSink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { pause } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { recordArrivals, recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
/** Megabytes. */
const LIMIT = 250;
/** Milliseconds. */
const DRAIN_DEADLINE = 120_000;
/** Octets of one write of a slow client. */
const DRIP = 8192;

interface Scale {
  readonly large: number;
  readonly largeSize: number;
  readonly slow: number;
  readonly slowSize: number;
  /** Milliseconds between two writes of one slow client. */
  readonly slowEvery: number;
  readonly queued: number;
}

const LONG: Scale = {
  large: 10,
  largeSize: 50e6,
  slow: 1000,
  slowSize: 200_000,
  slowEvery: 600,
  queued: 10_000,
};
const SHORT: Scale = { large: 4, largeSize: 12e6, slow: 100, slowSize: 100_000, slowEvery: 100, queued: 500 };

export async function prove({ seed, short, say }: ProofOptions): Promise<ProofResult> {
  const scale = short ? SHORT : LONG;
  await using folder = await tempFolder();
  const primaryPort = await freePort();
  const smtp = { maxMessageSize: "64MB" };
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort, domain: DOMAIN, smtp });
  const ledger = new Ledger();
  const peaks: Record<string, number> = {};
  const failures: string[] = [];
  const measured = async (name: string, act: () => Promise<unknown>): Promise<void> => {
    forgetPeak(daemon.pid);
    const begin = performance.now();
    await act();
    const { rss, peak, pss } = processMemory(daemon.pid);
    peaks[name] = peak;
    say(`${name}: at most ${peak} MB, after it ${rss} MB (PSS ${pss} MB), ${since(begin)}`);
    if (peak >= LIMIT) failures.push(`${name}: ${peak} MB`);
  };
  await measured("idleMB", () => pause(short ? 200 : 2000));
  const port = daemon.smtpPort;
  const large = { name: "large", count: scale.large, size: scale.largeSize, drip: scale.largeSize, every: 0 };
  const slow = { name: "slow", count: scale.slow, size: scale.slowSize, drip: DRIP, every: scale.slowEvery };
  await measured("largeMB", () => sendTogether(port, large, ledger));
  await measured("slowMB", () => sendTogether(port, slow, ledger));
  const letters = createLoad({
    port,
    domain: DOMAIN,
    recipients: ["alice", "bob"],
    seed,
    sessions: 50,
    size: 4096,
    ledger,
  });
  await measured("queuedMB", () => letters.send(scale.queued));
  await using sink = await openSink(primaryPort);
  recordArrivals(sink, ledger);
  await measured("drainMB", () => untilDrained(daemon, DRAIN_DEADLINE));

  await recordNamedDoubles(daemon, ledger);
  const verdict = ledger.check();
  const expected = scale.large + scale.slow + scale.queued;
  if (verdict.counts.acked !== expected)
    failures.push(`${verdict.counts.acked} of ${expected} mails got their 250`);
  return {
    claim: `the daemon stays below ${LIMIT} MB`,
    counts: { ...verdict.counts, ...peaks },
    failures: [...failures, ...verdict.failures],
  };
}

function since(begin: number): string {
  return `${((performance.now() - begin) / 1000).toFixed(1)} s`;
}

interface Together {
  readonly name: string;
  readonly count: number;
  readonly size: number;
  /** Octets of one write, and ms between two. */
  readonly drip: number;
  readonly every: number;
}

/** Every client is in the middle of its body at the same time as all others. */
async function sendTogether(port: number, plan: Together, ledger: Ledger): Promise<void> {
  const { name, count, size, drip, every } = plan;
  const ids = Array.from({ length: count }, (_, n) => `${name}-${n}`);
  const clients = await Promise.all(ids.map((id) => openBody(port, id)));
  const line = `${"dribble ".repeat(9)}\r\n`;
  const rest = Buffer.from(line.repeat(Math.ceil(size / line.length)));
  clients.forEach((smtp, n) => {
    const head = Buffer.from(`X-Proof-Id: ${ids[n]}\r\nSubject: ${name}\r\n\r\n`);
    ledger.offer(ids[n] ?? "", Buffer.concat([head, rest]), [`alice@${DOMAIN}`]);
    smtp.write(head);
  });
  for (let at = 0; at < rest.length; at += drip) {
    for (const smtp of clients) smtp.write(rest.subarray(at, at + drip));
    await pause(every);
  }
  await Promise.all(clients.map((smtp, n) => finish(smtp, ids[n] ?? "", ledger)));
}

async function openBody(port: number, id: string): Promise<RawSmtp> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) throw new Error(`${id}: nobody greets`);
  const commands = [
    "EHLO slow.example",
    "MAIL FROM:<slow@sender.example>",
    `RCPT TO:<alice@${DOMAIN}>`,
    "DATA",
  ];
  for (const command of commands) {
    const reply = await smtp.command(command);
    if (reply === undefined || reply.code >= 400)
      throw new Error(`${id}: ${command}: ${reply?.lines.join(" / ") ?? "connection lost"}`);
  }
  return smtp;
}

async function finish(smtp: RawSmtp, id: string, ledger: Ledger): Promise<void> {
  const reply = await smtp.command(".");
  if (reply?.code === 250) ledger.ack(id, [`alice@${DOMAIN}`]);
  else ledger.nack(id, reply?.code ?? 0);
  smtp.close();
}
