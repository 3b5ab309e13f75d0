/**
 * `holdfast demo`: a separate daemon in a temporary folder, a primary that is down, three mails, and the primary's
 * return; each step is shown with the seconds that it took. Everything is real except the sender and the primary.
 */
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDaemon } from "../app.ts";
import { runTool } from "../cli/cli.ts";
import { formatProblem, loadConfig, type Config } from "../config/config.ts";
import { demoPrimary } from "./demo-primary.ts";
import { sendMail } from "./demo-sender.ts";
import { probeListen } from "../runtime/listening.ts";

const MAILS = [
  { recipient: "alice@example.test", subject: "Lunch on Friday?" },
  { recipient: "bob@example.test", subject: "Your invoice" },
  { recipient: "nobody@example.test", subject: "You have won" },
] as const;
/** Ms; no step of the demo may take longer. */
const PATIENCE = 15_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Returns the exit code. A signal ends the demo properly, too; a second one ends it at once. */
export async function runDemo(): Promise<number> {
  const interrupted = interruption();
  const folder = await mkdtemp(join(tmpdir(), "holdfast-demo-"));
  try {
    return await play(folder, interrupted);
  } finally {
    await rm(folder, { recursive: true, force: true });
    say("\nStopped, and the temporary folder is removed.");
  }
}

/** Resolves with the exit code that shells use for a program ended by a signal. */
function interruption(): Promise<number> {
  const heard = Promise.withResolvers<number>();
  for (const signal of SIGNALS) process.once(signal, () => heard.resolve(128 + constants.signals[signal]));
  return heard.promise;
}

interface Ports {
  readonly smtp: number;
  readonly primary: number;
}

async function play(folder: string, interrupted: Promise<number>): Promise<number> {
  const ports = { smtp: await probeListen("127.0.0.1", 0), primary: await probeListen("127.0.0.1", 0) };
  const config = await demoConfig(folder, ports);
  const arrivals = new EventEmitter();
  const primary = demoPrimary(() => arrivals.emit("mail"));
  const daemon = await startDaemon(config);
  try {
    return await Promise.race([interrupted, tell(config, ports, { primary, arrivals })]);
  } finally {
    await daemon.stop();
    await primary.close();
  }
}

interface FarEnd {
  readonly primary: ReturnType<typeof demoPrimary>;
  /** Emits `mail` after each accepted mail. */
  readonly arrivals: EventEmitter;
}

async function tell(config: Config, ports: Ports, { primary, arrivals }: FarEnd): Promise<number> {
  say(`Holdfast stands in for example.test on 127.0.0.1:${ports.smtp}.`);
  say(`The domain's own server, 127.0.0.1:${ports.primary}, is down.\n`);
  const taken = await sendAll(ports.smtp);
  say("\nWhat the queue holds (holdfast queue list):\n");
  await runTool("queue", ["list"], { socket: config.admin.socket, config: config.file });
  say("\nThe primary comes back.");
  const opened = Date.now();
  await primary.open(ports.primary);
  const inTime = AbortSignal.timeout(PATIENCE);
  while (primary.received.length < taken) await once(arrivals, "mail", { signal: inTime });
  for (const { recipient, subject, at } of primary.received)
    say(`  ${seconds(at - opened)} later: "${subject}" is in the mailbox of ${recipient}`);
  // The primary's replies are still on their way back.
  await sleep(200);
  say("\nWhere was the first one (holdfast trace)?\n");
  await runTool("trace", [MAILS[0].recipient], { socket: config.admin.socket, config: config.file });
  return 0;
}

/** Sends the three mails one after another; returns how many were accepted. */
async function sendAll(port: number): Promise<number> {
  let taken = 0;
  for (const { recipient, subject } of MAILS) {
    const started = Date.now();
    const { step, reply } = await sendMail(port, recipient, subject);
    if (reply.startsWith("2")) taken += 1;
    say(`A mail to ${recipient}, after ${seconds(Date.now() - started)}, at ${step}:`);
    say(`  ${reply}`);
  }
  return taken;
}

async function demoConfig(folder: string, ports: Ports): Promise<Config> {
  const file = join(folder, "holdfast.yaml");
  await writeFile(
    file,
    `hostname: mx2.example.test
storage: sqlite:${join(folder, "data")}
smtp: { listen: ["127.0.0.1:${ports.smtp}"], threads: 1 }
store: { reserve: 0 }
log: { file: ${join(folder, "holdfast.log")} }
domains:
  example.test:
    mode: backup
    primary: { host: 127.0.0.1, port: ${ports.primary} }
    recipients: [alice, bob]
`,
  );
  const loaded = loadConfig(file);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded.config;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
