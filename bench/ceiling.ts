/**
 * How much of what smtp-server can do alone is left when mail is checked and stored: `npm run bench -- ceiling`.
 * Holdfast with one SMTP thread beside smtp-server with a handler that throws the body away, on one thread, too.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { holdfast } from "./contestants.ts";
import { needPeers, send, sendWarm } from "./load.ts";
import { publish, readChoice, scaled, turnAbout, withRunning } from "./rows.ts";

const LOAD = { sessions: 50, size: 4096, reuse: true };
/** Mails that are measured, and those before. */
const MESSAGES = 10_000;
const WARM_UP = 15_000;

export async function benchCeiling(args: readonly string[]): Promise<void> {
  const choice = readChoice(args);
  needPeers();
  const warmUp = { ...LOAD, messages: scaled(WARM_UP, choice) };
  const load = { ...LOAD, messages: scaled(MESSAGES, choice) };
  const own = (): Promise<number> =>
    withRunning(holdfast, choice, (running) => sendWarm(running, warmUp, load), { threads: 1 });
  const bare = (): Promise<number> =>
    withBareServer(async (smtpPort) => {
      await send({ smtpPort }, warmUp);
      return send({ smtpPort }, load);
    });
  const what = "accept, 4 KB, 50 sessions that stay open, mails/s";
  const runs = [
    { name: "Holdfast", run: own },
    { name: "smtp-server alone", run: bare },
  ];
  const columns = await turnAbout(what, choice, runs);
  const heads = runs.map(({ name }) => name);
  const words =
    "One SMTP thread each. Holdfast checks, hashes, stores and flushes; smtp-server alone does nothing of it.";
  await publish({ name: "ceiling", heads, rows: [{ what, goal: ">= 0.6 x", columns }], words }, choice);
}

async function withBareServer<T>(act: (port: number) => Promise<T>): Promise<T> {
  const file = join(import.meta.dirname, "ceiling-server.ts");
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => {
    child.once("close", resolve);
  });
  try {
    const port = await new Promise<number>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", (line) => resolve(Number(line)));
      child.once("error", reject);
      child.once("close", () => reject(new Error("smtp-server did not start")));
    });
    return await act(port);
  } finally {
    child.stdin.end();
    await ended;
  }
}
