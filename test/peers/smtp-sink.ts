/** smtp-sink of Postfix: takes mail and throws it away, or dumps it, fast, written in C. */
import { spawn, type ChildProcess } from "node:child_process";
import { openSmtp } from "../support/raw-smtp.ts";
import { waitFor } from "../support/wait.ts";
import { programPath } from "./peers.ts";

interface SmtpSinkPlan {
  readonly port: number;
  /** Most connections at the same time. */
  readonly connections?: number;
  /** Folder into which each mail is written as a file of its own; slow. */
  readonly dump?: string;
  /** Further options, such as `-r`, `DATA`. */
  readonly options?: readonly string[];
}

/** Its counter line, printed at every final dot and session's end. */
const COUNTERS = /mesg=\s*(\d+)/g;

export class SmtpSink implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #messages = 0;
  #unread = "";
  #firstAt = 0;
  #lastAt = 0;
  #onCount: ((count: number) => void) | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("close", resolve);
    });
    child.stdout?.on("data", (text) => this.#read(String(text)));
  }

  static async start(plan: SmtpSinkPlan): Promise<SmtpSink> {
    const args = ["-c", "-4", "-m", String(plan.connections ?? 256)];
    if (plan.dump !== undefined) args.push("-d", `${plan.dump}/%H%M%S.`);
    // As root it insists on giving up its rights; nothing is written unless dumping was asked for.
    if (process.getuid?.() === 0 && plan.dump === undefined) args.push("-u", "nobody");
    if (process.getuid?.() === 0 && plan.dump !== undefined) args.push("-u", "root");
    const all = [...args, ...(plan.options ?? []), `127.0.0.1:${plan.port}`, "1000"];
    const child = spawn(programPath("smtp-sink"), all, { stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    child.stderr.on("data", (text) => {
      words += String(text);
    });
    const sink = new SmtpSink(child);
    await waitFor({ what: "smtp-sink greets", deadline: 20_000 }, async () => {
      if (child.exitCode !== null) throw new Error(`smtp-sink ended with ${child.exitCode}: ${words}`);
      const smtp = await openSmtp(plan.port);
      smtp?.close();
      return smtp !== undefined;
    });
    return sink;
  }

  /** Mails taken so far. */
  get messages(): number {
    return this.#messages;
  }

  /** performance.now() when the first mail was counted, and the last; 0 before. */
  get times(): { readonly first: number; readonly last: number } {
    return { first: this.#firstAt, last: this.#lastAt };
  }

  /** Resolves when `count` mails were taken; rejects after `deadline` ms. */
  async until(count: number, deadline: number): Promise<void> {
    if (this.#messages >= count) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = setTimeout(
      () => reject(new Error(`${this.#messages} of ${count} mails at smtp-sink within ${deadline} ms`)),
      deadline,
    );
    this.#onCount = (seen) => seen >= count && resolve();
    try {
      await promise;
    } finally {
      clearTimeout(late);
      this.#onCount = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#ended;
  }

  #read(text: string): void {
    const seen = this.#unread + text;
    for (const match of seen.matchAll(COUNTERS)) this.#messages = Number(match[1]);
    // A number may be cut at the end of a chunk: the last counter line is read again with what follows.
    this.#unread = seen.slice(Math.max(0, seen.lastIndexOf("sess=")));
    if (this.#messages === 0) return;
    this.#lastAt = performance.now();
    if (this.#firstAt === 0) this.#firstAt = this.#lastAt;
    this.#onCount?.(this.#messages);
  }
}
