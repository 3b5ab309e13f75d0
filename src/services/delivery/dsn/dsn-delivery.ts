import type { Outcome } from "../../../mail/outcome.ts";
import { formatReply, reply } from "../../../mail/reply.ts";
import { DSN_DOMAIN, type DsnRoute } from "../../../ports/dsn.ts";
import { DestinationTrouble, type Connection, type Conversation } from "../../../ports/smtp-client.ts";
import type { ClaimedMail, Settlement, WorkStore } from "../../../ports/work-store.ts";
import { errorText } from "../../../runtime/log.ts";
import {
  asTrouble,
  destinationName,
  firstToGreet,
  isOwnName,
  targetsOf,
  type Destination,
} from "../../health/health.ts";
import { settleDsn } from "../../queue/queue.ts";
import { findDsnRoute } from "./dsn-route.ts";
import type { DeliveryParts, DeliverySettings, Doubts } from "../ground/parts.ts";
import type { Settler } from "../ground/settler.ts";
import { abortInTime } from "../pool/stopping.ts";
import { UnderWay } from "../ground/under-way.ts";

/** Times in ms. */
interface DsnDeliverySettings extends Pick<DeliverySettings, "hostname" | "ownAddresses"> {
  readonly route: DsnRoute;
  /** How long delivery of a DSN is attempted. */
  readonly retention: number;
}

interface DsnDeliveryParts extends Pick<
  DeliveryParts,
  "client" | "resolver" | "directory" | "journal" | "log" | "clock" | "random"
> {
  readonly store: Pick<WorkStore, "claim" | "wake">;
  readonly settler: Pick<Settler, "write">;
  readonly settings: () => DsnDeliverySettings;
  readonly isDoubted: Doubts;
}

/** DSNs that are delivered at the same time. */
const CONNECTIONS = 4;
/** Hosts that are tried for one DSN. */
const HOSTS = 3;
/** Timeout for the greeting and EHLO, in ms. */
const GREETING = 60_000;
/** How long a stop waits for the DSNs that are being delivered, in ms. */
const STOPPING = 32_000;

const HUNG_UP = { code: 421, enhanced: "4.4.2", text: "the connection ended before the mail" } as const;

interface DsnAttempt {
  readonly outcome: Outcome;
  readonly destination?: string;
}

/**
 * Delivers DSNs over their own route: one host, or the recipient's MX. It keeps no pools and sends no probes, because
 * the senders' servers do not belong to us and must not be contacted each second; each DSN is retried after its own
 * back-off.
 *
 * Invariant: a DSN that is refused, or too old, is deleted, and its row stays in the ledger; no DSN is sent about it.
 */
export class DsnDelivery {
  readonly #parts: DsnDeliveryParts;
  readonly #conversations = new Set<Conversation>();
  readonly #stopping = Promise.withResolvers<undefined>();
  /** Claims and deliveries that are running. */
  readonly #underWay: UnderWay;
  /** DSNs that are claimed and not settled. */
  #unsettled = 0;
  #claiming = false;
  #again = false;
  #stopped = false;
  /** How often all DSNs were made due. */
  #flushes = 0;

  constructor(parts: DsnDeliveryParts) {
    this.#parts = parts;
    this.#underWay = new UnderWay(parts.clock);
  }

  /** Claims as many due DSNs as may be delivered at the same time, and claims further ones when these end. */
  async run(): Promise<void> {
    const { settings } = this.#parts;
    const room = CONNECTIONS - this.#unsettled;
    if (this.#claiming) this.#again = true;
    if (this.#claiming || this.#stopped || room <= 0 || settings().route.kind === "off") return;
    this.#claiming = true;
    this.#again = false;
    try {
      await this.#underWay.add(this.#claim(room));
    } finally {
      this.#claiming = false;
    }
    if (this.#again) await this.run();
  }

  /** The same as `run`, for callers that do not wait: logs errors. */
  start(): void {
    this.run().catch((error: unknown) => {
      this.#parts.log.error("notices could not be claimed", { error: errorText(error) });
    });
  }

  /** Makes all DSNs due and delivers them. A DSN that is being delivered is due again at once if that fails. */
  async flush(): Promise<void> {
    this.#flushes += 1;
    await this.#parts.store.wake([DSN_DOMAIN]);
    await this.run();
  }

  /** Stops within 32 s; DSNs that are not being sent are released. The settler may still be writing then. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve(undefined);
    await abortInTime(() => this.#conversations, this.#underWay.ended(STOPPING), this.#parts.clock);
  }

  async #claim(limit: number): Promise<void> {
    const { store, clock } = this.#parts;
    const mails = await store.claim({ domain: DSN_DOMAIN, limit, now: clock.now() });
    this.#unsettled += mails.length;
    for (const mail of mails) void this.#underWay.add(this.#deliver(mail));
  }

  async #deliver(mail: ClaimedMail): Promise<void> {
    const flushes = this.#flushes;
    const attempt = await this.#attempt(mail).catch((error: unknown): DsnAttempt => {
      this.#parts.log.error("a notice could not be sent", { id: mail.id, error: errorText(error) });
      return { outcome: { kind: "deferred", reply: { code: 451, text: errorText(error) } } };
    });
    const { clock, random, settings } = this.#parts;
    const now = clock.now();
    const facts = { now, random, retention: settings().retention, flushed: flushes < this.#flushes };
    void this.#settle(mail, settleDsn(mail, attempt.outcome, facts), attempt);
  }

  async #settle(mail: ClaimedMail, settlements: readonly Settlement[], attempt: DsnAttempt): Promise<void> {
    const written = await this.#parts.settler.write(mail, settlements, attempt.destination);
    if (written) for (const each of settlements) this.#record(mail, each, attempt);
    this.#unsettled -= 1;
    this.start();
  }

  /** Tries the hosts of the route in their order, until one opens a session with us. */
  async #attempt(mail: ClaimedMail): Promise<DsnAttempt> {
    if (this.#stopped) return { outcome: { kind: "released" } };
    const address = mail.recipients[0]?.address ?? "";
    const { route, hostname } = this.#parts.settings();
    const found = await findDsnRoute(address, route, { ...this.#parts, hostname });
    if (found.kind === "nowhere") return { outcome: found.outcome };
    let trouble = new DestinationTrouble("dns", "there is no host to try");
    let destination: string | undefined;
    for (const host of found.destinations.slice(0, HOSTS)) {
      destination = destinationName(host);
      const opened = await Promise.race([this.#open(host), this.#stopping.promise]);
      if (opened === undefined) return { outcome: { kind: "released" } };
      if (!(opened instanceof DestinationTrouble))
        return this.#believed(await this.#send(mail, opened, destination), found.domain);
      trouble = opened;
    }
    const said = trouble.reply ?? reply(421, "4.4.1", trouble.message);
    return { outcome: { kind: "deferred", reply: said }, ...(destination !== undefined && { destination }) };
  }

  /** A primary in probation may be up with an empty user database: its refusals are not final, and the DSN stays. */
  #believed(attempt: DsnAttempt, domain: string | undefined): DsnAttempt {
    const { outcome, destination = "" } = attempt;
    if (outcome.kind !== "refused" || domain === undefined) return attempt;
    if (!this.#parts.isDoubted(domain, destination)) return attempt;
    const text = `${formatReply(outcome.reply)}; not believed yet, because ${domain} is in probation`;
    return { ...attempt, outcome: { kind: "deferred", reply: reply(451, "4.4.0", text), ours: true } };
  }

  async #open(host: Destination): Promise<Conversation | DestinationTrouble> {
    const { client, resolver, clock, settings } = this.#parts;
    const reach = { client, resolver, clock, ownAddresses: () => settings().ownAddresses };
    try {
      const greet = (connection: Connection): Promise<Conversation> => connection.converse(GREETING);
      const conversation = await firstToGreet(await targetsOf(host, reach), reach, { greet });
      const itself = isOwnName(conversation.capabilities, settings().hostname);
      if (!itself && !this.#stopped) return conversation;
      void conversation.quit();
      return new DestinationTrouble("loop", itself ? "it is ourselves" : "we are stopping");
    } catch (error) {
      return asTrouble(error);
    }
  }

  async #send(mail: ClaimedMail, conversation: Conversation, destination: string): Promise<DsnAttempt> {
    this.#conversations.add(conversation);
    try {
      const { outcomes } = await conversation.send(mail);
      const [outcome] = outcomes.values();
      // Nothing was sent. The DSN is deferred, because the peer has just hung up and must not be contacted at once.
      if (outcome === undefined || outcome.kind === "released")
        return { outcome: { kind: "deferred", reply: HUNG_UP }, destination };
      return { outcome, destination };
    } finally {
      await conversation.quit();
      this.#conversations.delete(conversation);
    }
  }

  #record(mail: ClaimedMail, { n, outcome, state, dueAt }: Settlement, { destination }: DsnAttempt): void {
    if (outcome.kind === "released") return;
    const to = mail.recipients.find((each) => each.n === n)?.address ?? "";
    const sent = outcome.kind === "delivered";
    const kind = sent ? "notice.sent" : state === "gone" ? "notice.dropped" : "notice.deferred";
    this.#parts.journal.record({
      kind,
      id: mail.id,
      to,
      ...(destination !== undefined && { destination }),
      ...("reply" in outcome && { reply: outcome.reply }),
      ...("why" in outcome && { why: outcome.why }),
      ...(dueAt !== undefined && { dueAt }),
    });
  }
}
