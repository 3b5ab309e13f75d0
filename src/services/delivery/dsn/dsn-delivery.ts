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
  /** How long a DSN is tried. */
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

/** DSNs under way at a time. */
const CONNECTIONS = 4;
/** Hosts that are tried for one DSN. */
const HOSTS = 3;
/** For greeting and EHLO, in ms. */
const GREETING = 60_000;
/** For all that is under way when delivery stops, in ms. */
const STOPPING = 32_000;

const HUNG_UP = { code: 421, enhanced: "4.4.2", text: "the connection ended before the mail" } as const;

interface DsnAttempt {
  readonly outcome: Outcome;
  readonly destination?: string;
}

/**
 * Hands DSNs over by their own way: one host, or the recipient's MX. It keeps no pools and sends no probes, because
 * the servers of senders are strangers who must not be knocked at each second; a DSN comes again by its own
 * back-off.
 *
 * Invariant: a DSN that is refused, or too old, goes with its row in the ledger; nothing is told of it.
 */
export class DsnDelivery {
  readonly #parts: DsnDeliveryParts;
  readonly #conversations = new Set<Conversation>();
  readonly #stopping = Promise.withResolvers<undefined>();
  /** What is being claimed or sent. */
  readonly #underWay: UnderWay;
  /** DSNs that are claimed and not settled. */
  #unsettled = 0;
  #claiming = false;
  #again = false;
  #stopped = false;
  /** Counts what made all DSNs due. */
  #flushes = 0;

  constructor(parts: DsnDeliveryParts) {
    this.#parts = parts;
    this.#underWay = new UnderWay(parts.clock);
  }

  /** Takes as many due DSNs as there is room for, and further ones as they end. */
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

  /** The same, for those who do not wait for it. */
  start(): void {
    this.run().catch((error: unknown) => {
      this.#parts.log.error("notices could not be claimed", { error: errorText(error) });
    });
  }

  /** Makes all DSNs due and goes; one that is under way is due again at once when it fails. */
  async flush(): Promise<void> {
    this.#flushes += 1;
    await this.#parts.store.wake([DSN_DOMAIN]);
    await this.run();
  }

  /** Within 32 s: what has not begun is given back. The settler may still be writing then. */
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

  /** Tries the hosts of the route in their order, until one speaks with us. */
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
      // Nothing of it was sent; at once would be too soon for a peer that has just hung up.
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
