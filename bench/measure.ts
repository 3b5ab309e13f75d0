/** One run of one contestant: fill its queue while the primary is away, then let the primary return. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { runSmtpSource } from "../test/peers/smtp-source.ts";
import { SmtpSink } from "../test/peers/smtp-sink.ts";
import { freePort } from "../test/support/free-port.ts";
import { waitFor } from "../test/support/wait.ts";
import { RECIPIENT, type Contestant, type Running } from "./contestants.ts";

export interface RunPlan {
  readonly messages: number;
  readonly sessions: number;
  /** Octets of a body. */
  readonly size: number;
  readonly reuse: boolean;
  readonly parts: readonly Part[];
  /** Folder on the disk that is measured. */
  readonly folder: string;
}

export type Part = "accept" | "drain";

export interface RunResult {
  /** Mails a second, until the last 250. */
  readonly accept?: number;
  /** Mails a second, from the first to the last at the primary. */
  readonly drain?: number;
  /** Milliseconds from the primary's return to its first mail. */
  readonly firstAfter?: number;
}

const DRAIN_DEADLINE = 120_000;
const NUDGE_EVERY = 2000;

export async function runOnce(contestant: Contestant, plan: RunPlan): Promise<RunResult> {
  const folder = await mkdtemp(join(plan.folder, "bench-"));
  // Postfix' daemons run as their own user and must pass through.
  execFileSync("chmod", ["755", folder]);
  const primaryPort = await freePort();
  // What earlier runs left unwritten must not be charged to this one.
  execFileSync("sync");
  const running = await contestant.start({ folder, smtpPort: await freePort(), primaryPort });
  try {
    const accept = await fill(running, plan);
    await expectQueued(running, plan.messages);
    if (!plan.parts.includes("drain")) return { accept };
    const drained = await drain(running, plan.messages, primaryPort);
    return plan.parts.includes("accept") ? { accept, ...drained } : drained;
  } finally {
    await running.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function fill(running: Running, plan: RunPlan): Promise<number> {
  const { sessions, messages, size, reuse } = plan;
  const source = {
    port: running.smtpPort,
    sessions,
    messages,
    size,
    reuse,
    from: "load@sender.example",
    to: RECIPIENT,
  };
  const took = await runSmtpSource(source);
  return (messages / took) * 1000;
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

async function drain(
  running: Running,
  messages: number,
  primaryPort: number,
): Promise<Pick<RunResult, "drain" | "firstAfter">> {
  await running.settled();
  const back = performance.now();
  await using sink = await SmtpSink.start({ port: primaryPort });
  await running.nudge();
  // Mail that met the closed port a moment ago would wait for its next turn; the operator asks again.
  const again = setInterval(() => void running.nudge().catch(() => {}), NUDGE_EVERY);
  try {
    await sink.until(messages, DRAIN_DEADLINE);
  } finally {
    clearInterval(again);
  }
  await expectQueued(running, 0);
  if (sink.messages !== messages)
    throw new Error(`${sink.messages} mails at the primary instead of ${messages}`);
  const { first, last } = sink.times;
  return { drain: ((messages - 1) / Math.max(1, last - first)) * 1000, firstAfter: first - back };
}
