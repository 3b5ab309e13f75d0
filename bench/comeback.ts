/**
 * From the moment when the primary's port opens to its first mail, without an operator: `npm run bench -- return`,
 * after an outage of 10 seconds and of three days. The days are of a clock that all threads of the daemon share.
 */
import { runSmtpSource } from "../test/peers/smtp-source.ts";
import { freePort } from "../test/support/free-port.ts";
import { ResidentDaemon } from "../test/support/resident-daemon.ts";
import { openSink } from "../test/support/sink.ts";
import { tempFolder } from "../test/support/temp-folder.ts";
import { pause, waitFor } from "../test/support/wait.ts";
import { DOMAIN, RECIPIENT } from "./contestants.ts";
import { needPeers } from "./load.ts";
import { publish, readChoice, turnAbout, type Choice } from "./rows.ts";

/** Milliseconds. */
const TEN_SECONDS = 10_000;
/** Milliseconds. */
const THREE_DAYS = 72 * 3_600_000;
/** The outage is lived through in so many steps, each until the primary was looked for again. */
const STEPS = 6;
const MESSAGES = 200;
/** Milliseconds. */
const DEADLINE = 60_000;

export async function benchReturn(args: readonly string[]): Promise<void> {
  const choice = readChoice(args, 5);
  needPeers();
  const goal = "< 1500 ms";
  const rows = [
    { what: "first delivery after an outage of 10 s, ms", goal, columns: await measure("10 s", choice) },
    { what: "first delivery after an outage of 3 days, ms", goal, columns: await measure("3 days", choice) },
  ];
  const words = "Postfix by itself delivers at its next queue run, up to 300 s later, 60 s where tuned.";
  await publish({ name: "return", heads: ["Holdfast"], rows, words }, choice);
}

function measure(outage: "10 s" | "3 days", choice: Choice): Promise<number[][]> {
  const run = (): Promise<number> => firstDelivery(outage, choice);
  return turnAbout(`first delivery after ${outage}`, choice, [{ name: "Holdfast", run }]);
}

async function firstDelivery(outage: "10 s" | "3 days", { folder }: Choice): Promise<number> {
  await using place = await tempFolder(folder);
  const primaryPort = await freePort();
  const plan = { folder: place.path, primaryPort, domain: DOMAIN };
  await using daemon = await ResidentDaemon.start(plan);
  const load = { port: daemon.smtpPort, sessions: 10, messages: MESSAGES, size: 4096, reuse: true };
  await runSmtpSource({ ...load, from: "load@sender.example", to: RECIPIENT });
  if (outage === "10 s") await pause(TEN_SECONDS);
  else await letDaysPass(daemon);
  await using sink = await openSink(primaryPort);
  const { promise, resolve } = Promise.withResolvers<number>();
  const opened = performance.now();
  sink.onMail(() => resolve(performance.now() - opened));
  const first = await promise;
  await waitFor({ what: "all is delivered", deadline: DEADLINE }, () => sink.mails.length === MESSAGES);
  return first;
}

async function letDaysPass(daemon: ResidentDaemon): Promise<void> {
  const wait = { what: "the primary is found to be away", deadline: DEADLINE };
  const lastProbe = async (): Promise<number> => {
    const primary = await daemon.primary();
    return primary?.state === "down" ? (primary.lastProbe ?? 0) : 0;
  };
  for (let step = 0; step < STEPS; step++) {
    const before = await waitFor(wait, async () => (await lastProbe()) || undefined);
    daemon.pass(THREE_DAYS / STEPS);
    await waitFor(wait, async () => (await lastProbe()) >= before + THREE_DAYS / STEPS);
  }
}
