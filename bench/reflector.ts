/**
 * Passing mail through while the primary is up: `npm run bench -- reflector`. Sustained: 50 sessions into us, until the
 * last mail is at smtp-sink. Latency: 50 mails a second, from the 250 that the sender reads to the one that the
 * primary writes; both ends are in this process and read the same clock.
 */
import { SmtpSink } from "../test/peers/smtp-sink.ts";
import { freePort } from "../test/support/free-port.ts";
import { percentile } from "../test/support/quantiles.ts";
import { asData, openSmtp, type RawSmtp } from "../test/support/raw-smtp.ts";
import { openSink } from "../test/support/sink.ts";
import { pause, waitFor } from "../test/support/wait.ts";
import { RECIPIENT, type Contestant, type Running } from "./contestants.ts";
import { expectQueued, needPeers, send } from "./load.ts";
import {
  PAIR,
  publish,
  readChoice,
  scaled,
  turnAbout,
  withRunning,
  type Choice,
  type Row,
  pairInTurn,
  PAIR_HEADS,
} from "./rows.ts";

const LOAD = { sessions: 50, size: 4096, reuse: true };
/** Mails before those that are measured, those, and the ones of which each is timed. */
const WARM_UP = 2000;
const MESSAGES = 8000;
const SAMPLES = 1000;
/** Milliseconds between two mails: 50 a second. */
const EVERY = 20;
/** Milliseconds. */
const DEADLINE = 120_000;
const BODY = asData(Buffer.from(`Subject: latency\r\n\r\n${`${"x".repeat(78)}\r\n`.repeat(51)}`));

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

export async function benchReflector(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  const rows = [await sustained(choice), ...(await latencies(choice))];
  const words =
    "Mails of 4 KB. Latency at 50 mails a second on one connection, after a warm-up of the same kind.";
  await publish({ name: "reflector", heads: PAIR_HEADS, rows, words }, choice);
}

async function sustained(choice: Choice): Promise<Row> {
  const what = "sustained, mails/s";
  const columns = await pairInTurn(what, choice, (contestant) => passThrough(contestant, choice));
  return { what, goal: ">= 3 x", columns };
}

async function passThrough(contestant: Contestant, choice: Choice): Promise<number> {
  const primaryPort = await freePort();
  await using sink = await SmtpSink.start({ port: primaryPort });
  const act = async (running: Running): Promise<number> => {
    const [warmUp, messages] = [scaled(WARM_UP, choice), scaled(MESSAGES, choice)];
    await send(running, { ...LOAD, messages: warmUp });
    await sink.until(warmUp, DEADLINE);
    const begun = performance.now();
    await send(running, { ...LOAD, messages });
    await sink.until(warmUp + messages, DEADLINE);
    const rate = (messages / (sink.times.last - begun)) * 1000;
    await expectQueued(running, 0);
    if (sink.messages !== warmUp + messages) throw new Error(`${sink.messages} mails at the primary`);
    return rate;
  };
  // The sink lives until the run is over.
  return await withRunning(contestant, choice, act, { reflector: true, primaryPort });
}

async function latencies(choice: Choice): Promise<Row[]> {
  const p99: number[][] = PAIR.map(() => []);
  const runs = PAIR.map((contestant, at) => ({
    name: contestant.name,
    run: async () => {
      const seen = await latency(contestant, choice);
      p99[at]?.push(seen.p99);
      return seen.p50;
    },
  }));
  const p50 = await turnAbout("latency, p50 in ms", choice, runs);
  return [
    { what: "latency, p50 in ms", goal: "<= 1.5 ms", columns: p50, digits: 2 },
    { what: "latency, p99 in ms", goal: "<= Postfix's", columns: p99, digits: 2 },
  ];
}

async function latency(contestant: Contestant, choice: Choice): Promise<Latencies> {
  await using sink = await openSink();
  const taken: number[] = [];
  sink.onMail(() => void taken.push(performance.now()));
  const act = async (running: Running): Promise<Latencies> => {
    const count = scaled(SAMPLES, choice, 100);
    await sendEvenly(running.smtpPort, count);
    await waitFor({ what: "the warm-up", deadline: DEADLINE }, () => taken.length === count);
    taken.length = 0;
    const answered = await sendEvenly(running.smtpPort, count);
    await waitFor({ what: "all at the primary", deadline: DEADLINE }, () => taken.length >= count);
    if (taken.length !== count) throw new Error(`${taken.length} mails at the primary instead of ${count}`);
    // One at a time, so they arrive in the order they were sent, but for the rare one that overtakes.
    const times = taken.map((at, n) => at - (answered[n] ?? 0));
    return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
  };
  // The sink lives until the run is over.
  return await withRunning(contestant, choice, act, { reflector: true, primaryPort: sink.port });
}

/** When each mail's 250 was read. */
async function sendEvenly(port: number, count: number): Promise<number[]> {
  const smtp = await openSmtp(port);
  if (smtp === undefined) throw new Error(`nobody greets on port ${port}`);
  await smtp.command("EHLO bench.holdfast.test");
  const answered: number[] = [];
  const begun = performance.now();
  for (let n = 0; n < count; n++) {
    await pause(Math.max(0, begun + n * EVERY - performance.now()));
    await transfer(smtp);
    answered.push(performance.now());
  }
  await smtp.quit();
  return answered;
}

async function transfer(smtp: RawSmtp): Promise<void> {
  for (const line of ["MAIL FROM:<load@sender.example>", `RCPT TO:<${RECIPIENT}>`, "DATA"])
    await smtp.command(line);
  smtp.write(BODY);
  const reply = await smtp.reply();
  if (reply?.code !== 250) throw new Error(`the mail was not taken: ${reply?.lines.join(" / ")}`);
}
