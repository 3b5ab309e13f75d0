/** A daemon whose mail is scanned, a primary that records, and senders who come again when they are put off. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Daemon } from "../../support/daemon.ts";
import { fakePrimary, type FakePrimary } from "../../support/fake-primary.ts";
import { asData, openSmtp, type RawReply } from "../../support/raw-smtp.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";
import type { Victims } from "./victims.ts";

/** What clamd is shown, as our clamd.conf has it, in octets. */
export const LARGEST = 10 * 1024 * 1024;

/** Each domain by what it wants while no scanner answers. */
export const DOMAINS = ["defer", "tag", "quarantine"] as const;
export type Wish = (typeof DOMAINS)[number];

interface WorldPlan {
  readonly victims: Victims;
  /** For one mail, in ms. */
  readonly timeout: number;
  readonly scanned?: boolean;
  /** Event loops are watched, which costs time of its own. */
  readonly watched?: boolean;
  /** Largest body that the virus scanner is shown, in octets. */
  readonly maxSize?: number;
}

/** The header may be as large as the body, so that nothing is refused before it was looked at. */
const SMTP = {
  greetDelay: "0s",
  threads: 1,
  limits: { headerSize: "50MB", connectionsPerClient: 10_000, mailsPerConnection: 1_000_000 },
  maxMessageSize: "60MB",
};

export interface Answered {
  readonly code: number;
  readonly text: string;
  /** Milliseconds from the final dot to the reply. */
  readonly took: number;
}

export class World implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly primary: FakePrimary;
  /** Where each thread of the daemon notes its longest stretch of work. */
  readonly watch: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(of: Pick<World, "daemon" | "primary" | "watch">, stack: AsyncDisposableStack) {
    this.daemon = of.daemon;
    this.primary = of.primary;
    this.watch = of.watch;
    this.#stack = stack;
  }

  static async start(plan: WorldPlan): Promise<World> {
    const stack = new AsyncDisposableStack();
    try {
      const folder = stack.use(await tempFolder());
      const primary = stack.use(await fakePrimary({}));
      const settings = worldSettings(plan, primary.port);
      const watch = join(folder.path, "watch");
      await mkdir(watch);
      const ways = { folder: folder.path, primaryPort: primary.port, settings, smtp: SMTP };
      const start = (): Promise<Daemon> => Daemon.start(ways);
      const daemon = stack.use(await (plan.watched === false ? start() : watched(watch, start)));
      return new World({ daemon, primary, watch }, stack);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** Sends one mail to somebody of a domain, its size announced. */
  async send(domain: string, body: Buffer): Promise<Answered> {
    const smtp = await openSmtp(this.daemon.smtpPort);
    if (smtp === undefined) throw new Error("the daemon does not greet");
    try {
      const commands = [
        "EHLO client.holdfast.test",
        `MAIL FROM:<sender@sender.example> SIZE=${body.length}`,
        `RCPT TO:<alice@${domain}.test>`,
        "DATA",
      ];
      for (const command of commands) must(await smtp.command(command), command);
      smtp.write(asData(body));
      const dot = performance.now();
      const reply = must(await smtp.reply(), "the final dot");
      return { code: reply.code, text: reply.lines.join(" "), took: performance.now() - dot };
    } finally {
      smtp.close();
    }
  }

  /** The same, again and again until it is taken; a real sender waits longer. */
  async insist(domain: string, body: Buffer, deadline: number): Promise<void> {
    const wait = { what: `a mail for ${domain}.test is taken`, deadline, every: 200 };
    await waitFor(wait, async () => (await this.send(domain, body)).code === 250);
  }

  async release(): Promise<number> {
    const act = { verb: "release", filter: { reason: "quarantine" } };
    return (await this.daemon.api<{ count: number }>("POST", "/v1/queue/actions", act)).count;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function must(reply: RawReply | undefined, command: string): RawReply {
  if (reply === undefined) throw new Error(`${command}: the connection was lost`);
  if (reply.code >= 400 && command !== "the final dot")
    throw new Error(`${command}: ${reply.lines.join(" ")}`);
  return reply;
}

/** Starts something whose threads are watched. */
async function watched<T>(folder: string, start: () => Promise<T>): Promise<T> {
  const watcher = pathToFileURL(join(import.meta.dirname, "loop-watch.js")).href;
  Object.assign(process.env, { NODE_OPTIONS: `--import ${watcher}`, HOLDFAST_LOOP_WATCH: folder });
  return start().finally(() => {
    delete process.env["NODE_OPTIONS"];
    delete process.env["HOLDFAST_LOOP_WATCH"];
  });
}

function worldSettings({ victims, timeout, scanned = true, maxSize = LARGEST }: WorldPlan, port: number) {
  const time = `${timeout}ms`;
  const checks = {
    clamav: { servers: [victims.clamav.server], timeout: time, maxSize },
    rspamd: { servers: [victims.rspamd.server], timeout: time, reject: "reject", headers: true },
  };
  const domains = DOMAINS.map((unavailable) => [
    `${unavailable}.test`,
    {
      primary: { host: "127.0.0.1", port, tls: "none" },
      recipients: { catchAll: true },
      ...(scanned && { checks: { clamav: { unavailable }, rspamd: { unavailable } } }),
    },
  ]);
  return { ...(scanned && { checks }), domains: Object.fromEntries(domains) };
}
