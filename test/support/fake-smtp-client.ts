/** An SMTP client without a network: each destination `ip:port` is an object that a test switches. */
import type { Outcome } from "../../src/mail/outcome.ts";
import type { Reply } from "../../src/mail/reply.ts";
import {
  DestinationTrouble,
  lackOf,
  type Capabilities,
  type Connection,
  type Conversation,
  type SendResult,
  type SmtpClient,
  type Target,
  type Verification,
} from "../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../src/ports/work-store.ts";

export const DELIVERED: Outcome = { kind: "delivered", reply: { code: 250, text: "taken" } };

/** What a server does; all may be changed at any time. */
export class FakeServer {
  /** Nothing listens. */
  down = false;
  /** Refuses at connect with this. */
  greeting: DestinationTrouble | undefined;
  /** Before it greets. May wait, or reject; `patience` is the client's, in ms. */
  onGreet: (patience: number) => void | Promise<void> = () => {};
  name = "primary.test";
  /** What its EHLO offers. */
  extensions: readonly string[] = ["PIPELINING"];
  /** Its SIZE. */
  size: number | undefined;
  /** What stands behind XFORWARD and XCLIENT in its EHLO. */
  attributes: Capabilities["attributes"];
  /** TLS version of its conversations; absent: in clear. */
  tls: string | undefined;
  /** Most connections at once; more are refused with 421. */
  most = Infinity;
  /** How further ones end. */
  tooMany = new DestinationTrouble("greeting", "it answered 421", { code: 421, text: "too many" });
  /** What a mail comes to; by default delivered. May wait. */
  onMail: (mail: ClaimedMail) => SendResult | Promise<SendResult> = (mail) => allOf(mail, DELIVERED);
  /** Where a mail stands meanwhile. */
  answersAt: "body" | "dot" = "body";
  /** What it says to RCPT from the null sender; by default it takes all. May wait. */
  onVerify: (address: string) => Reply | Promise<Reply> = () => ({ code: 250, text: "ok" });
  /** What it says to the null sender. */
  nullSender: Reply = { code: 250, text: "ok" };
  /** Addresses that were asked for, in order. */
  readonly asked: string[] = [];
  /** Mails that a conversation takes at once. */
  window = 1;
  /** False: what comes beside a mail in flight waits until that is answered. */
  takesBeside = true;
  /** Most mails that were in flight at once, in all conversations. */
  mostInFlight = 0;
  inFlight = 0;
  /** Connections that were not for mail: whether it listens. */
  knocks = 0;
  conversations = 0;
  /** Connections. */
  open = 0;
  mostOpen = 0;
  /** Mails sent, in order. */
  readonly mails: ClaimedMail[] = [];
  /** Conversations that have not ended. */
  readonly conversing = new Set<Conversation>();

  /** Closes the conversations in which nothing happens. */
  closeIdle(): void {
    for (const conversation of this.conversing) if (conversation.phase === "idle") conversation.abort();
  }
}

export function allOf(mail: ClaimedMail, outcome: Outcome, trouble?: DestinationTrouble): SendResult {
  const outcomes = new Map(mail.recipients.map(({ n }) => [n, outcome]));
  return trouble === undefined ? { outcomes, took: 1 } : { outcomes, trouble, took: 1 };
}

export class FakeSmtpClient implements SmtpClient {
  readonly #servers = new Map<string, FakeServer>();

  /** The server at `ip:port`; made when first named. Others refuse connections. */
  server(at: string): FakeServer {
    const known = this.#servers.get(at);
    if (known !== undefined) return known;
    const server = new FakeServer();
    this.#servers.set(at, server);
    return server;
  }

  async connect(target: Target): Promise<Connection> {
    const server = this.#take(target, "knock");
    const { promise: closed, reject } = Promise.withResolvers<never>();
    closed.catch(() => (server.open -= 1));
    return {
      target,
      took: 1,
      converse: (patience) => greet(server, patience, closed),
      close: () => reject(CLOSED),
    };
  }

  async converse(target: Target, patience?: number): Promise<Conversation> {
    return greet(this.#take(target), patience);
  }

  #take(target: Target, knock?: "knock"): FakeServer {
    const server = this.#servers.get(`${target.ip}:${target.port}`);
    if (server !== undefined && knock !== undefined) server.knocks += 1;
    if (server === undefined || server.down) throw new DestinationTrouble("connect", "connection refused");
    server.open += 1;
    server.mostOpen = Math.max(server.mostOpen, server.open);
    return server;
  }
}

/** The greeting on a connection that was taken. */
async function greet(
  server: FakeServer,
  patience = 300_000,
  closed: Promise<never> = new Promise(() => {}),
): Promise<Conversation> {
  server.conversations += 1;
  const crowded = server.open > server.most;
  try {
    if (crowded) throw server.tooMany;
    await Promise.race([server.onGreet(patience), closed]);
    if (server.greeting !== undefined) throw server.greeting;
    return new FakeConversation(server);
  } catch (error) {
    if (error !== CLOSED) server.open -= 1;
    throw error;
  }
}

/** Closing a connection ends the wait for its greeting. */
const CLOSED = new DestinationTrouble("greeting", "connection closed");

class FakeConversation implements Conversation {
  readonly capabilities: Capabilities;
  readonly window: number;
  phase: Conversation["phase"] = "idle";
  readonly #server: FakeServer;
  readonly #aborted = Promise.withResolvers<void>();
  #inFlight = 0;
  #ended = false;

  constructor(server: FakeServer) {
    this.#server = server;
    const { name, tls, extensions, size, attributes } = server;
    this.window = server.window;
    this.capabilities = {
      name,
      extensions,
      ...(size !== undefined && { size }),
      ...(attributes !== undefined && { attributes }),
      ...(tls !== undefined && { tls }),
    };
    server.conversing.add(this);
  }

  takes(): boolean {
    return this.#server.takesBeside || this.#inFlight === 0;
  }

  async send(mail: ClaimedMail): Promise<SendResult> {
    const lack = lackOf(this.capabilities, mail);
    if (lack !== undefined) return unfit(mail, lack);
    const server = this.#server;
    this.phase = server.answersAt;
    server.mails.push(mail);
    server.inFlight += 1;
    this.#inFlight += 1;
    server.mostInFlight = Math.max(server.mostInFlight, server.inFlight);
    const result = await Promise.race([
      server.onMail(mail),
      this.#aborted.promise.then(() => abortedMail(mail, server.answersAt)),
    ]);
    server.inFlight -= 1;
    this.#inFlight -= 1;
    if (!this.#ended && this.#inFlight === 0) this.phase = "idle";
    if (result.trouble !== undefined) this.#end();
    return result;
  }

  async verify(addresses: readonly string[]): Promise<Verification> {
    const { nullSender, onVerify, asked } = this.#server;
    if (nullSender.code >= 300) return { answers: new Map(), refused: nullSender };
    asked.push(...addresses);
    const answers = addresses.map(async (address) => [address, await onVerify(address)] as const);
    return { answers: new Map(await Promise.all(answers)) };
  }

  async quit(): Promise<void> {
    this.abort();
  }

  abort(): void {
    this.#aborted.resolve();
    this.#end();
  }

  #end(): void {
    if (!this.#ended) this.#server.open -= 1;
    this.#server.conversing.delete(this);
    this.#ended = true;
    this.phase = "over";
  }
}

/** Refused unsent: the peer offers no `lack`, or too little of it. */
export function unfit(mail: ClaimedMail, lack: string): SendResult {
  const refused: Outcome = {
    kind: "refused",
    reply: { code: 552, enhanced: "5.3.4", text: `lacks ${lack}` },
  };
  return { ...allOf(mail, refused), refusedAt: "here", took: 0 };
}

function abortedMail(mail: ClaimedMail, at: FakeServer["answersAt"]): SendResult {
  const trouble = new DestinationTrouble("session", "aborted");
  if (at === "dot") return allOf(mail, { kind: "unconfirmed", why: "aborted" }, trouble);
  return allOf(mail, { kind: "deferred", reply: { code: 421, text: "aborted" } }, trouble);
}
