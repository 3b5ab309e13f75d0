/** A daemon whose mail is scanned, a primary that records, and senders who come again when they are put off. */
import { Daemon } from "../../support/daemon.ts";
import { fakePrimary, type FakePrimary } from "../../support/fake-primary.ts";
import { asData, openSmtp, type RawReply } from "../../support/raw-smtp.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { waitFor } from "../../support/wait.ts";
import type { Victims } from "./victims.ts";

/** Each domain by what it wants while no scanner answers. */
export const DOMAINS = ["defer", "tag", "quarantine"] as const;
export type Wish = (typeof DOMAINS)[number];

export interface WorldPlan {
  readonly victims: Victims;
  /** For one mail, in ms. */
  readonly timeout: number;
  readonly scanned?: boolean;
  readonly smtp?: Readonly<Record<string, unknown>>;
}

export interface Answered {
  readonly code: number;
  readonly text: string;
  /** Milliseconds from the final dot to the reply. */
  readonly took: number;
}

export class World implements AsyncDisposable {
  readonly daemon: Daemon;
  readonly primary: FakePrimary;
  readonly #stack: AsyncDisposableStack;

  private constructor(daemon: Daemon, primary: FakePrimary, stack: AsyncDisposableStack) {
    this.daemon = daemon;
    this.primary = primary;
    this.#stack = stack;
  }

  static async start(plan: WorldPlan): Promise<World> {
    const stack = new AsyncDisposableStack();
    try {
      const folder = stack.use(await tempFolder());
      const primary = stack.use(await fakePrimary({}));
      const settings = worldSettings(plan, primary.port);
      const smtp = { greetDelay: "0s", threads: 1, ...plan.smtp };
      const daemon = await Daemon.start({ folder: folder.path, primaryPort: primary.port, settings, smtp });
      stack.use(daemon);
      return new World(daemon, primary, stack);
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

function worldSettings({ victims, timeout, scanned = true }: WorldPlan, port: number) {
  const time = `${timeout}ms`;
  const checks = {
    clamav: { servers: [victims.clamav.server], timeout: time, maxSize: "10MiB" },
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
