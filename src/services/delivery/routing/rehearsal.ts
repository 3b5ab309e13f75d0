/**
 * Runs a test session with each primary of a domain: name, connection, TLS, size, a known and an unknown recipient. The
 * session ends before DATA: no mail is sent, and no answer is remembered.
 */
import { formatReply, isPermanent, isPositive, type Reply } from "../../../mail/reply.ts";
import type { DomainRecord } from "../../../ports/directory.ts";
import type { PrimaryRehearsal, RehearsalRequest, RehearsalStep } from "../../../ports/rehearsal.ts";
import {
  DestinationTrouble,
  type Capabilities,
  type Connection,
  type Conversation,
  type Target,
} from "../../../ports/smtp-client.ts";
import { errorText } from "../../../runtime/log.ts";
import { sizeInWords } from "../../../runtime/quantities.ts";
import {
  destinationName,
  isOwnName,
  targetsOf,
  type Destination,
  type ReachParts,
} from "../../health/health.ts";
import { findRoute } from "./routes.ts";

/** Timeouts for all steps with one primary, and for a connection to one of its addresses, in ms. */
const LONGEST = 20_000;
const CONNECT = 3000;
/** Timeouts for the greeting of an address, and for that of the last address, in ms. */
const GREETING = 5000;
const LAST_GREETING = 15_000;
/** No more primaries are tested, because the operator waits for the result. */
const MOST_PRIMARIES = 10;

interface RehearsalParts extends ReachParts {
  readonly hostname: string;
}

type Report = (step: RehearsalStep) => void;

export async function rehearse(
  record: DomainRecord,
  request: RehearsalRequest,
  parts: RehearsalParts,
): Promise<readonly PrimaryRehearsal[]> {
  const route = await findRoute(record, parts);
  if (route.kind !== "known")
    return [{ destination: "", steps: [{ what: "route", verdict: "fail", text: route.why }] }];
  const destinations = route.tiers
    .flat()
    .slice(0, MOST_PRIMARIES)
    .map(({ destination }) => destination);
  return Promise.all(destinations.map((destination) => rehearseAt(destination, request, parts)));
}

async function rehearseAt(
  destination: Destination,
  request: RehearsalRequest,
  parts: RehearsalParts,
): Promise<PrimaryRehearsal> {
  const steps: RehearsalStep[] = [];
  const late = Promise.withResolvers<void>();
  const timer = parts.clock.after(LONGEST, late.resolve);
  const session = new Rehearsal(destination, parts, (step) => steps.push(step));
  const ended = session.run(request).catch((error: unknown) => void steps.push(troubleStep(error)));
  await Promise.race([ended, late.promise.then(() => session.giveUp())]);
  timer.cancel();
  return { destination: destinationName(destination), steps: [...steps] };
}

class Rehearsal {
  readonly #destination: Destination;
  readonly #parts: RehearsalParts;
  readonly #report: Report;
  #conversation: Conversation | undefined;
  #over = false;

  constructor(destination: Destination, parts: RehearsalParts, report: Report) {
    this.#destination = destination;
    this.#parts = parts;
    this.#report = report;
  }

  async run(request: RehearsalRequest): Promise<void> {
    const targets = await this.#addresses();
    const conversation = await this.#firstToGreet(targets);
    if (isOwnName(conversation.capabilities, this.#parts.hostname)) {
      await conversation.quit();
      throw this.#ourName();
    }
    for (const step of offered(conversation.capabilities, this.#destination, request)) this.#report(step);
    await this.#recipients(conversation, request);
    await conversation.quit();
    for (const target of targets) await this.#knock(target);
  }

  giveUp(): void {
    this.#over = true;
    this.#report({ what: "session", verdict: "fail", text: `gave up after ${LONGEST / 1000} s` });
    this.#conversation?.abort();
  }

  /** The error for a primary that greets with our own name. Mail is not sent there either. */
  #ourName(): DestinationTrouble {
    const { hostname } = this.#parts;
    return new DestinationTrouble(
      "loop",
      `it greets as ${hostname}, our own name: mail would come back to us`,
    );
  }

  async #addresses(): Promise<Target[]> {
    const targets = await targetsOf(this.#destination, this.#parts);
    const all = targets.map(({ ip }) => ip).join(", ");
    const { host } = this.#destination;
    this.#report({ what: "address", verdict: "ok", text: all === host ? host : `${host} is ${all}` });
    return [...targets];
  }

  /** Tries the addresses in order, as a delivery does. Removes those that it has tried from `targets`. */
  async #firstToGreet(targets: Target[]): Promise<Conversation> {
    for (;;) {
      const target = targets.shift();
      if (target === undefined || this.#over) throw new DestinationTrouble("session", "given up");
      try {
        return await this.#greeted(target, targets.length === 0 ? LAST_GREETING : GREETING);
      } catch (error) {
        if (targets.length === 0) throw error;
        this.#report(spareStep(target, error));
      }
    }
  }

  async #greeted(target: Target, patience: number): Promise<Conversation> {
    const connection = await this.#connect(target);
    const began = this.#parts.clock.elapsed();
    const conversation = await connection.converse(patience);
    this.#conversation = conversation;
    if (this.#over) conversation.abort();
    const took = this.#parts.clock.elapsed() - began;
    this.#report({ what: "session", verdict: "ok", text: `${conversation.capabilities.name} greets`, took });
    return conversation;
  }

  async #connect(target: Target): Promise<Connection> {
    const connection = await this.#parts.client.connect(target, CONNECT);
    this.#report({ what: "connect", verdict: "ok", text: `${target.ip} answers`, took: connection.took });
    return connection;
  }

  /** Tests the connection to an address that mail would use only if those before it failed. */
  async #knock(target: Target): Promise<void> {
    if (this.#over) return;
    try {
      (await this.#connect(target)).close();
    } catch (error) {
      this.#report(spareStep(target, error));
    }
  }

  async #recipients(conversation: Conversation, { known, unknown }: RehearsalRequest): Promise<void> {
    const { answers, refused, trouble } = await conversation.verify([known, unknown]);
    if (trouble !== undefined) throw trouble;
    if (refused !== undefined) return this.#report(nullSenderStep(refused));
    this.#report(knownStep(known, answers.get(known)));
    this.#report(unknownStep(unknown, answers.get(unknown)));
  }
}

function troubleStep(error: unknown): RehearsalStep {
  if (!(error instanceof DestinationTrouble))
    return { what: "session", verdict: "fail", text: errorText(error) };
  const what = error.stage === "dns" ? "address" : error.stage === "connect" ? "connect" : "session";
  return { what: error.stage === "tls" ? "tls" : what, verdict: "fail", text: error.message };
}

/** The step for an address that failed while there are others. */
function spareStep({ ip }: Target, error: unknown): RehearsalStep {
  const { what, text } = troubleStep(error);
  return { what, verdict: "warn", text: what === "connect" ? text : `${ip}: ${text}` };
}

function offered(
  { tls, size, attributes = {} }: Capabilities,
  { tls: level, identity }: Destination,
  { maxMessageSize }: RehearsalRequest,
): readonly RehearsalStep[] {
  const small = size !== undefined && size < maxMessageSize;
  const takes = size === undefined ? "announces no size limit" : `accepts mail up to ${sizeInWords(size)}`;
  const knows = Object.keys(attributes).filter((keyword) => keyword === "XFORWARD" || keyword === "XCLIENT");
  const wanted = identity === "xclient" ? "XCLIENT" : "XFORWARD";
  const trusts = knows.includes(wanted);
  return [
    tlsStep(tls, level),
    {
      what: "size",
      verdict: small ? "warn" : "ok",
      text: small ? `${takes}, less than the ${sizeInWords(maxMessageSize)} that we accept` : takes,
    },
    {
      what: "identity",
      verdict: trusts || identity === undefined || identity === "headers" ? "ok" : "warn",
      text: trusts
        ? `accepts ${wanted} from us: it trusts what we say about clients`
        : `does not offer ${wanted} to us: it sees clients in our header fields only`,
    },
  ];
}

function tlsStep(tls: string | undefined, level: Destination["tls"]): RehearsalStep {
  if (tls !== undefined) return { what: "tls", verdict: "ok", text: `${tls} (\`tls: ${level}\`)` };
  const warn = level === "opportunistic";
  return {
    what: "tls",
    verdict: warn ? "warn" : "ok",
    text: warn ? "unencrypted: it offers no working STARTTLS" : "unencrypted (`tls: none`)",
  };
}

function nullSenderStep(refused: Reply): RehearsalStep {
  const text = `refuses the null sender, and thus all bounces: ${formatReply(refused)}`;
  return { what: "known", verdict: "warn", text };
}

function knownStep(address: string, said: Reply | undefined): RehearsalStep {
  if (said === undefined) return { what: "known", verdict: "warn", text: `no answer about ${address}` };
  const text = `${address}: ${formatReply(said)}`;
  return { what: "known", verdict: isPositive(said) ? "ok" : isPermanent(said) ? "fail" : "warn", text };
}

function unknownStep(address: string, said: Reply | undefined): RehearsalStep {
  if (said === undefined) return { what: "unknown", verdict: "warn", text: `no answer about ${address}` };
  const text = `${address}: ${formatReply(said)}`;
  if (isPermanent(said)) return { what: "unknown", verdict: "ok", text };
  const why = isPositive(said)
    ? "it accepts any address, and may bounce later"
    : "it does not decide immediately";
  return { what: "unknown", verdict: "warn", text: `${text}; ${why}` };
}
