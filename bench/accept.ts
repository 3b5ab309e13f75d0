/**
 * Accepting while the primary is away: `npm run bench -- accept`. Each run counts the queue.
 *
 * A warm-up comes before the lines that are about a server that runs: a compiler that works while a program runs needs
 * some 20,000 mails. At first contact there is none, and all clients come at once, so that nobody has delivered a mail
 * yet.
 */
import type { Contestant } from "./contestants.ts";
import { needPeers, sendWarm, type Load } from "./load.ts";
import {
  publish,
  readChoice,
  scaled,
  withRunning,
  type Choice,
  type Row,
  pairInTurn,
  PAIR_HEADS,
} from "./rows.ts";

interface Line extends Load {
  readonly what: string;
  readonly goal: string;
  /** Mails before those that are measured. */
  readonly warmUp: number;
}

const LINES: readonly Line[] = [
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
  const words =
    "Mails a second, the primary away, `smtp-source`, one recipient each. At first contact Holdfast waits 100 ms before its greeting.";
  await publish({ name: "accept", heads: PAIR_HEADS, rows, words }, choice);
}

async function line(load: Line, choice: Choice): Promise<Row> {
  const run = (contestant: Contestant): Promise<number> => acceptOnce(contestant, load, choice);
  return { what: load.what, goal: load.goal, columns: await pairInTurn(load.what, choice, run) };
}

/** Mails a second of a fresh contestant. */
function acceptOnce(contestant: Contestant, load: Line, choice: Choice): Promise<number> {
  const warmUp = load.warmUp === 0 ? 0 : scaled(load.warmUp, choice);
  const messages = load.messages <= load.sessions ? load.messages : scaled(load.messages, choice);
  return withRunning(contestant, choice, (running) =>
    sendWarm(running, { ...load, messages: warmUp }, { ...load, messages }),
  );
}
