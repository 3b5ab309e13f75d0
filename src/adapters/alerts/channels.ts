/** The two ways out: a webhook and a command. Each resolves, or rejects with the reason. */
import { type ChildProcess, spawn } from "node:child_process";
import { unescape } from "node:querystring";
import type { Clock } from "../../runtime/clock.ts";

/** What is sent: the alert, and how often it came again meanwhile. */
export interface Message {
  readonly alert: string;
  readonly subject: string;
  readonly text: string;
  /** RFC 3339. */
  readonly at: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Times that the same alert came within the last ten minutes and was not sent; absent when none. */
  readonly repeated?: number;
}

export type Channel = (message: Message) => Promise<void>;

/** How long one attempt to post a message, and a command, may take, in ms. */
const WEBHOOK_LIMIT = 10_000;
const COMMAND_LIMIT = 30_000;
/** Before each further attempt, in ms: whoever gets the alerts may be started again just now. */
const PAUSES: readonly number[] = [5000, 30_000, 180_000];

/** It answered, and would most likely answer the same again. */
class Refusal extends Error {}
/** Codes below 500 by which a server asks to be asked again: 408, RFC 9110, and 429, RFC 6585. */
const AGAIN: ReadonlySet<number> = new Set([408, 429]);

/** POSTs JSON; 10 s for an answer. Three more attempts, one where it refuses. */
export function webhook(url: string, clock: Clock): Channel {
  const target = targetOf(url);
  return async (message) => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await post(target, message, clock);
      } catch (error) {
        const delay = PAUSES[attempt];
        if (delay === undefined || (attempt > 0 && error instanceof Refusal)) throw error;
        await pause(clock, delay);
      }
    }
  };
}

interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** `fetch` takes no URL with a user or a password; they go as RFC 7617 says. */
function targetOf(address: string): Target {
  const url = new URL(address);
  const { username, password } = url;
  const headers = { "Content-Type": "application/json", "User-Agent": "holdfast" };
  if (username === "" && password === "") return { url, headers };
  url.username = "";
  url.password = "";
  const login = Buffer.from(`${unescape(username)}:${unescape(password)}`).toString("base64");
  return { url, headers: { ...headers, Authorization: `Basic ${login}` } };
}

async function post({ url, headers }: Target, message: Message, clock: Clock): Promise<void> {
  const limit = new AbortController();
  const timer = clock.after(WEBHOOK_LIMIT, () =>
    limit.abort(new Error(`no answer within ${WEBHOOK_LIMIT / 1000} s`)),
  );
  try {
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(message),
      redirect: "manual",
      signal: limit.signal,
    });
    await response.body?.cancel();
    if (!response.ok) throw refusal(response.status);
  } finally {
    timer.cancel();
  }
}

function refusal(status: number): Error {
  const text = `it answered ${status}`;
  return status >= 500 || AGAIN.has(status) ? new Error(text) : new Refusal(text);
}

function pause(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delay, resolve);
  });
}

/** Runs a program, no shell, with the JSON on its standard input; it is killed after 30 s. */
export function command(argv: readonly string[], clock: Clock): Channel {
  return (message) =>
    new Promise((resolve, reject) => {
      const [file = "", ...args] = argv;
      const child: ChildProcess = spawn(file, args, { stdio: ["pipe", "ignore", "ignore"] });
      const timer = clock.after(COMMAND_LIMIT, () => child.kill("SIGKILL"));
      child.once("error", (error) => {
        timer.cancel();
        reject(error);
      });
      child.once("exit", (code, signal) => {
        timer.cancel();
        if (code === 0) resolve();
        else reject(new Error(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`));
      });
      // A program that does not read its input is no trouble. Where descriptors ran out there is neither.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(`${JSON.stringify(message)}\n`);
    });
}
