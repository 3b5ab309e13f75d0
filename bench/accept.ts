/**
 * Accepting while the primary is away: `npm run bench -- accept`. Each run counts the queue.
 *
 * A warm-up comes before the lines that are about a server that runs: a compiler that works while a program runs needs
 * some 20,000 mails. At first contact there is none, and all clients come at once, so that nobody has delivered a mail
 * yet.
 */
import { runSmtpSource } from "../test/peers/smtp-source.ts";
import { peerMissing } from "../test/peers/peers.ts";
import { RECIPIENT, type Contestant, type Running } from "./contestants.ts";
import { expectQueued } from "./measure.ts";
import { PAIR, publish, readChoice, scaled, turnAbout, withRunning, type Choice, type Row } from "./rows.ts";

export interface Load {
  readonly what: string;
  readonly goal: string;
  readonly sessions: number;
  readonly messages: number;
  /** Octets of a body. */
  readonly size: number;
  /** Connections stay open. */
  readonly reuse: boolean;
  readonly warmUp: number;
}

const LINES: readonly Load[] = [
  {
    what: "4 KB, 50 sessions that stay open",
    goal: ">= 6 x",
    sessions: 50,
    messages: 20_000,
    size: 4096,
    reuse: true,
    warmUp: 20_000,
  },
  {
    what: "50 KB, 50 sessions that stay open",
    goal: ">= 3.5 x",
    sessions: 50,
    messages: 6000,
    size: 50_000,
    reuse: true,
    warmUp: 6000,
  },
  {
    what: "4 KB, a new connection for each, 200 at once, known clients",
    goal: ">= 3 x",
    sessions: 200,
    messages: 10_000,
    size: 4096,
    reuse: false,
    warmUp: 15_000,
  },
  {
    what: "4 KB, 200 connections at once, first contact",
    goal: "",
    sessions: 200,
    messages: 200,
    size: 4096,
    reuse: false,
    warmUp: 0,
  },
];

export async function benchAccept(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  const rows: Row[] = [];
  for (const load of LINES) rows.push(await line(load, choice));
  const heads = PAIR.map(({ name }) => name);
  const words =
    "Mails a second, the primary away, `smtp-source`, one recipient each. At first contact Holdfast waits 100 ms before its greeting.";
  await publish({ name: "accept", heads, rows, words }, choice);
}

export function needPeers(): void {
  const lacking = [peerMissing("smtp-source"), peerMissing("smtp-sink"), peerMissing("postfix")].filter(
    Boolean,
  );
  if (lacking.length > 0) throw new Error(`the bench cannot run here:\n  ${lacking.join("\n  ")}`);
}

async function line(load: Load, choice: Choice): Promise<Row> {
  const runs = PAIR.map((contestant) => ({
    name: contestant.name,
    run: () => acceptOnce(contestant, load, choice),
  }));
  return { what: load.what, goal: load.goal, columns: await turnAbout(load.what, choice, runs) };
}

/** Mails a second of a fresh contestant. */
function acceptOnce(contestant: Contestant, load: Load, choice: Choice): Promise<number> {
  return withRunning(contestant, choice, async (running) => {
    const warmUp = load.warmUp === 0 ? 0 : scaled(load.warmUp, choice);
    if (warmUp > 0) await send(running, { ...load, messages: warmUp });
    const messages = load.messages <= load.sessions ? load.messages : scaled(load.messages, choice);
    const rate = await send(running, { ...load, messages });
    await expectQueued(running, warmUp + messages);
    return rate;
  });
}

/** Mails a second, until the last 250. */
export async function send(
  running: Pick<Running, "smtpPort">,
  load: Omit<Load, "what" | "goal" | "warmUp">,
): Promise<number> {
  const { sessions, messages, size, reuse } = load;
  const port = running.smtpPort;
  const plan = { port, sessions, messages, size, reuse, from: "load@sender.example", to: RECIPIENT };
  return (messages / (await runSmtpSource(plan))) * 1000;
}
