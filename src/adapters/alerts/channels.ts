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

/** How long one attempt to post a message, the pause before the second, and a command may take, in ms. */
const WEBHOOK_LIMIT = 10_000;
const RETRY_AFTER = 5000;
const COMMAND_LIMIT = 30_000;

/** POSTs JSON; 10 s for an answer, one more attempt after 5 s. */
export function webhook(url: string, clock: Clock): Channel {
  const target = targetOf(url);
  return async (message) => {
    try {
      await post(target, message, clock);
    } catch {
      await pause(clock, RETRY_AFTER);
      await post(target, message, clock);
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
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  } finally {
    timer.cancel();
  }
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
