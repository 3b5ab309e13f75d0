/**
 * Mail is taken while the primary is away, all of it is listed, and when the primary returns the first one is
 * there within two seconds and each arrives once.
 */
import { peerAvailable, peerMissing } from "../peers/peers.ts";
import { runSmtpSource } from "../peers/smtp-source.ts";
import { Daemon } from "../support/daemon.ts";
import { freePort } from "../support/free-port.ts";
import { createLoad } from "../support/load.ts";
import { openSink, type Sink } from "../support/sink.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { waitFor } from "../support/wait.ts";
import { Ledger } from "./checker.ts";
import type { ProofOptions, ProofResult } from "./proof.ts";
import { recordNamedDoubles, untilDrained } from "./story.ts";

const DOMAIN = "example.test";
/** Octets. */
const BODY_SIZE = 4096;
/** Milliseconds from the primary's return to the first mail, DESIGN: within two seconds. */
const FIRST_WITHIN = 2000;
/** Milliseconds. */
const DRAIN_DEADLINE = 120_000;

export async function prove(options: ProofOptions): Promise<ProofResult> {
  const count = options.short ? 400 : 10_000;
  await using folder = await tempFolder();
  const primaryPort = await freePort();
  await using daemon = await Daemon.start({ folder: folder.path, primaryPort, domain: DOMAIN });
  const ledger = new Ledger();
  const accepting = await fill(daemon, { count, ledger, options });
  const listed = await listAll(daemon);
  options.say(`${count} accepted in ${accepting.toFixed(0)} ms, ${listed} listed`);

  await using sink = await openSink(primaryPort);
  const back = performance.now();
  await waitFor({ what: "the first mail", deadline: DRAIN_DEADLINE, every: 1 }, () => sink.mails.length > 0);
  const first = performance.now() - back;
  await untilDrained(daemon, DRAIN_DEADLINE);
  const drained = performance.now() - back;
  options.say(
    `first mail ${first.toFixed(0)} ms after the primary's return, all after ${drained.toFixed(0)} ms`,
  );

  const failures = [
    ...(listed === count ? [] : [`${listed} of ${count} mails were listed`]),
    ...(first <= FIRST_WITHIN
      ? []
      : [`the first mail came ${first.toFixed(0)} ms after the primary's return`]),
    ...onceEach(sink, count),
    ...(await checkLedger(daemon, ledger, sink)),
  ];
  return {
    claim: `${count} mails are held while the primary is away and each arrives once, the first within 2 s`,
    counts: {
      accepted: count,
      listed,
      arrived: sink.mails.length,
      firstMs: Math.round(first),
      drainedMs: Math.round(drained),
    },
    failures,
  };
}

interface Filling {
  readonly count: number;
  readonly ledger: Ledger;
  readonly options: ProofOptions;
}

/** The long form uses smtp-source where there is one; the short one checks bodies too, with our own load. */
async function fill(daemon: Daemon, { count, ledger, options }: Filling): Promise<number> {
  const port = daemon.smtpPort;
  if (!options.short && peerAvailable("smtp-source")) {
    const envelope = { from: "load@sender.example", to: `alice@${DOMAIN}` };
    return runSmtpSource({ port, sessions: 50, messages: count, size: BODY_SIZE, ...envelope });
  }
  if (!options.short) options.say(`our own load instead of smtp-source: ${peerMissing("smtp-source")}`);
  const begin = performance.now();
  const recipients = ["alice", "bob", "carol"];
  await createLoad({
    port,
    domain: DOMAIN,
    recipients,
    seed: options.seed,
    sessions: 50,
    size: BODY_SIZE,
    ledger,
  }).send(count);
  if (ledger.count("acked") !== count)
    throw new Error(`${ledger.count("acked")} of ${count} mails got their 250`);
  return performance.now() - begin;
}

async function listAll(daemon: Daemon): Promise<number> {
  const ids = new Set<string>();
  for await (const entry of daemon.entries()) ids.add(entry.id);
  return ids.size;
}

function onceEach(sink: Sink, count: number): string[] {
  const queueIds = new Set(sink.mails.map((mail) => mail.queueId));
  const messageIds = new Set(sink.mails.map((mail) => mail.messageId));
  const isOnce = sink.mails.length === count && queueIds.size === count && messageIds.size === count;
  if (isOnce) return [];
  return [
    `${sink.mails.length} arrivals, ${queueIds.size} queue ids, ${messageIds.size} Message-IDs instead of ${count}`,
  ];
}

async function checkLedger(daemon: Daemon, ledger: Ledger, sink: Sink): Promise<readonly string[]> {
  if (ledger.count("acked") === 0) return [];
  for (const mail of sink.mails) ledger.sink(mail);
  await recordNamedDoubles(daemon, ledger);
  return ledger.check().failures;
}
