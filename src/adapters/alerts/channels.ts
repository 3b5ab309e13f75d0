/** The two channels for alerts: a webhook and a command. Sending rejects with the reason if it fails. */
import { type ChildProcess, spawn } from "node:child_process";
import { unescape } from "node:querystring";
import type { Clock } from "../../runtime/clock.ts";

/** The JSON object that is sent: the alert, and how often it was repeated. */
export interface Message {
  readonly alert: string;
  readonly subject: string;
  readonly text: string;
  /** RFC 3339. */
  readonly at: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** How often the same alert was raised and not sent in the last ten minutes; absent if never. */
  readonly repeated?: number;
}

export type Channel = (message: Message) => Promise<void>;

/** Timeouts of one attempt to post a message and of one command, in ms. */
const WEBHOOK_LIMIT = 10_000;
const COMMAND_LIMIT = 30_000;
/** Pauses before the second and each further attempt, in ms: the receiver may be restarting. */
const PAUSES: readonly number[] = [5000, 30_000, 180_000];

/** The webhook returned a status that further attempts are unlikely to change. */
class Refusal extends Error {}
/** Status codes below 500 that ask the client to try again: 408 (RFC 9110) and 429 (RFC 6585). */
const AGAIN: ReadonlySet<number> = new Set([408, 429]);

/** POSTs JSON, with a timeout of 10 s. Tries again up to three times after a failure, once after a refusal. */
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

/** `fetch` rejects URLs with a user or password, so they are sent as HTTP Basic authentication (RFC 7617). */
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

/** Runs a program, without a shell, with the JSON on its standard input; kills it after 30 s. */
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
      // A program need not read its input. Without a free file descriptor, spawn makes no stdin.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(`${JSON.stringify(message)}\n`);
    });
}
