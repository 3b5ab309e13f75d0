/**
 * Draining over a line with a long round trip, Holdfast and the tuned Postfix turn by turn.
 *
 *   npm run bench -- line                        100 ms, one and ten connections, DATA and BDAT, two rounds
 *   npm run bench -- line --round-trip 20 --rounds 3 --messages 200
 *
 * DATA goes into smtp-sink, which offers PIPELINING and no CHUNKING; BDAT into a real Postfix with a maildir (the
 * Postfix that drains sends DATA there, too: it has no other way). Every run counts what arrived and that nothing is left.
 */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { freePort } from "../test/support/free-port.ts";
import { waitFor } from "../test/support/wait.ts";
import { holdfast, tunedPostfix, type Contestant, type Place, type Running } from "./contestants.ts";
import { DelayingProxy } from "./delaying-proxy.ts";
import { postfixSink, smtpSink, type FarSide } from "./far-sides.ts";
import { expectQueued, needPeers, send } from "./load.ts";
import { median } from "./report.ts";
import { withRunning } from "./rows.ts";

interface Case {
  readonly name: string;
  readonly connections: number;
  /** Mails for each connection: enough that opening it hardly counts. */
  readonly messages: number;
  readonly farSide: (port: number, folder: string) => Promise<FarSide>;
}

interface Choice {
  readonly roundTrip: number;
  readonly rounds: number;
  readonly messages: number;
}

/** Milliseconds, both. */
const DEADLINE = 300_000;
const NUDGE_EVERY = 2000;

function readChoice(args: readonly string[]): Choice {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "round-trip": { type: "string", default: "100" },
      rounds: { type: "string", default: "2" },
      messages: { type: "string", default: "60" },
    },
  });
  const whole = (name: keyof typeof values): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} takes a whole number above 0`);
    return number;
  };
  return { roundTrip: whole("round-trip"), rounds: whole("rounds"), messages: whole("messages") };
}

/** Runs all and prints a table. */
export async function benchLine(args: readonly string[]): Promise<void> {
  const { roundTrip, rounds, messages } = readChoice(args);
  needPeers();
  const lines = [
    `| ${roundTrip} ms round trip, mails/s | Holdfast | Postfix, tuned | Holdfast / Postfix |`,
    "|---|---:|---:|---:|",
  ];
  for (const connections of [1, 10])
    for (const [way, farSide] of [
      ["DATA into smtp-sink", smtpSink],
      ["BDAT into Postfix", postfixSink],
    ] as const) {
      const name = `${way}, ${connections} connection${connections === 1 ? "" : "s"}`;
      const plan = { name, connections, messages: messages * connections, farSide };
      lines.push(await compare(plan, rounds, roundTrip));
    }
  process.stdout.write(`\n${lines.join("\n")}\n`);
}

async function compare(plan: Case, rounds: number, roundTrip: number): Promise<string> {
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round++)
    for (const [contestant, rates] of [
      [holdfast, ours],
      [tunedPostfix, theirs],
    ] as const) {
      const rate = await runOnce(contestant, plan, roundTrip);
      rates.push(rate);
      process.stdout.write(
        `${plan.name}, round ${round} of ${rounds}, ${contestant.name}: ${rate.toFixed(1)}/s\n`,
      );
    }
  const [own, other] = [median(ours), median(theirs)];
  return `| ${plan.name} | ${own.toFixed(1)} | ${other.toFixed(1)} | ${(own / other).toFixed(2)} |`;
}

/** Mails a second, from the first to the last on the far side. */
function runOnce(contestant: Contestant, plan: Case, roundTrip: number): Promise<number> {
  const { connections, messages, farSide } = plan;
  const act = async (running: Running, { folder, primaryPort }: Place): Promise<number> => {
    const farPort = await freePort();
    await using far = await farSide(farPort, folder);
    await send(running, { sessions: 10, messages, size: 4096, reuse: true });
    await running.settled();
    await expectQueued(running, messages);
    await using _proxy = await DelayingProxy.start({ port: primaryPort, to: farPort, roundTrip });
    await drain(running);
    const { count, first, last } = await far.arrived();
    if (count !== messages) throw new Error(`${count} mails on the far side instead of ${messages}`);
    return ((messages - 1) / (last - first)) * 1000;
  };
  return withRunning(contestant, { folder: tmpdir() }, act, { connections });
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
