/** What every bench sends, and how it is counted. */
import { runSmtpSource } from "../test/peers/smtp-source.ts";
import { peerMissing } from "../test/peers/peers.ts";
import { waitFor } from "../test/support/wait.ts";
import { RECIPIENT, type Contestant, type Running } from "./contestants.ts";

export interface Load {
  readonly sessions: number;
  readonly messages: number;
  /** Octets of a body. */
  readonly size: number;
  /** Connections stay open. */
  readonly reuse: boolean;
}

/** Throws where what all benches need is not installed, or what these need. */
export function needPeers(contestants: readonly Contestant[] = []): void {
  const lacking = [
    peerMissing("smtp-source"),
    peerMissing("smtp-sink"),
    ...(contestants.length === 0 ? [peerMissing("postfix")] : contestants.map((each) => each.missing())),
  ];
  const reasons = [...new Set(lacking.filter((reason) => reason !== ""))];
  if (reasons.length > 0) throw new Error(`the bench cannot run here:\n  ${reasons.join("\n  ")}`);
}

/** Mails a second, until the last 250. */
export async function send(running: Pick<Running, "smtpPort">, load: Load): Promise<number> {
  const { sessions, messages, size, reuse } = load;
  const port = running.smtpPort;
  const plan = { port, sessions, messages, size, reuse, from: "load@sender.example", to: RECIPIENT };
  return (messages / (await runSmtpSource(plan))) * 1000;
}

/** Mails a second after a warm-up; the queue is counted. */
export async function sendWarm(running: Running, warmUp: Load, load: Load): Promise<number> {
  if (warmUp.messages > 0) await send(running, warmUp);
  const rate = await send(running, load);
  await expectQueued(running, warmUp.messages + load.messages);
  return rate;
}

/** A mail moves between the folders of its queue while they are counted, so a right count may take a second look. */
export async function expectQueued(running: Running, messages: number): Promise<void> {
  let seen = -1;
  await waitFor({ what: `${messages} mails in the queue`, deadline: 20_000, every: 100 }, async () => {
    seen = await running.queued();
    return seen === messages;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it has ${seen}`);
  });
}
