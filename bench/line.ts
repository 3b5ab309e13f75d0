/**
 * Draining over a line with a round trip of 100 ms: `npm run bench -- line`.
 *
 * DATA goes into smtp-sink, which offers PIPELINING and no CHUNKING; BDAT into a real Postfix with a maildir (the
 * Postfix that drains sends DATA there, too: it has no other way). Every run counts what arrived and that nothing is left.
 */
import { freePort } from "../test/support/free-port.ts";
import { waitFor } from "../test/support/wait.ts";
import type { Contestant, Place, Running } from "./contestants.ts";
import { DelayingProxy } from "./delaying-proxy.ts";
import { postfixSink, smtpSink, type FarSide } from "./far-sides.ts";
import { expectQueued, needPeers, send } from "./load.ts";
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

interface Line {
  readonly what: string;
  readonly goal: string;
  readonly connections: number;
  readonly farSide: (port: number, folder: string) => Promise<FarSide>;
}

/** Milliseconds. */
const ROUND_TRIP = 100;
/** Milliseconds. */
const DEADLINE = 300_000;
/** Milliseconds. */
const NUDGE_EVERY = 2000;
/** Mails for each connection: enough that opening it hardly counts. */
const MESSAGES = 60;

const LINES: readonly Line[] = [
  { what: "DATA into smtp-sink, 1 connection", goal: ">= 1.8 x", connections: 1, farSide: smtpSink },
  { what: "BDAT into Postfix, 1 connection", goal: ">= 5 x", connections: 1, farSide: postfixSink },
  { what: "DATA into smtp-sink, 10 connections", goal: "", connections: 10, farSide: smtpSink },
  { what: "BDAT into Postfix, 10 connections", goal: "", connections: 10, farSide: postfixSink },
];

export async function benchLine(args: readonly string[]): Promise<void> {
  const choice = readChoice(args, 2);
  needPeers();
  const rows: Row[] = [];
  for (const line of LINES) rows.push(await rowOf(line, choice));
  const words = `Mails of 4 KB a second, from the first to the last on the far side, over a line with a round trip of ${ROUND_TRIP} ms.`;
  await publish({ name: "line", heads: PAIR_HEADS, rows, words }, choice);
}

async function rowOf(line: Line, choice: Choice): Promise<Row> {
  const run = (contestant: Contestant): Promise<number> => runOnce(contestant, line, choice);
  return { what: line.what, goal: line.goal, digits: 1, columns: await pairInTurn(line.what, choice, run) };
}

function runOnce(contestant: Contestant, { connections, farSide }: Line, choice: Choice): Promise<number> {
  const messages = scaled(MESSAGES, choice, 10) * connections;
  const act = async (running: Running, { folder, primaryPort }: Place): Promise<number> => {
    const farPort = await freePort();
    await using far = await farSide(farPort, folder);
    await send(running, { sessions: 10, messages, size: 4096, reuse: true });
    await running.settled();
    await expectQueued(running, messages);
    await using _proxy = await DelayingProxy.start({ port: primaryPort, to: farPort, roundTrip: ROUND_TRIP });
    await drain(running);
    const { count, first, last } = await far.arrived();
    if (count !== messages) throw new Error(`${count} mails on the far side instead of ${messages}`);
    return ((messages - 1) / (last - first)) * 1000;
  };
  return withRunning(contestant, choice, act, { connections });
}

async function drain(running: Running): Promise<void> {
  await running.nudge();
  const empty = { what: "the queue is empty", deadline: DEADLINE, every: NUDGE_EVERY };
  await waitFor(empty, async () => {
    if ((await running.queued()) === 0) return true;
    await running.nudge();
    return false;
  });
}
