/** How the primaries of a region behave: well, badly, or not at all. */
import { DestinationTrouble, type SendResult } from "../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../src/ports/work-store.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { allOf, DELIVERED, type FakeServer } from "./fake-smtp-client.ts";
import type { Random } from "./random.ts";

const reply = (code: number, text = "no") => ({ code, text });
const REFUSED = { kind: "refused", reply: reply(550) } as const;
const LATER = { kind: "deferred", reply: reply(451, "later") } as const;
const TOO_MANY = { kind: "deferred", reply: { code: 452, enhanced: "4.5.3", text: "too many" } } as const;
const BUSY = reply(421, "busy");
const cut = (): DestinationTrouble => new DestinationTrouble("session", "cut");

export class RegionPrimaries {
  /** How often each recipient's mail came, by `id/n`. */
  readonly came = new Map<string, number>();
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  fall(server: FakeServer): void {
    server.down = true;
    for (const conversation of server.conversing) conversation.abort();
  }

  greet(server: FakeServer): void {
    const { pick, below } = this.#random;
    const refused = new DestinationTrouble("greeting", "go away", reply(554, "go away"));
    server.greeting = pick([undefined, new DestinationTrouble("greeting", "busy", BUSY), refused, cut()]);
    const silent = async (patience: number): Promise<void> => {
      await this.#pause(patience);
      throw new DestinationTrouble("greeting", "silent");
    };
    server.onGreet = pick([() => {}, () => this.#pause(below(20_000)), silent]);
  }

  mend(server: FakeServer): void {
    const greets = {
      down: false,
      greeting: undefined,
      onGreet: () => {},
      extensions: ["SMTPUTF8"],
      size: undefined,
    };
    const takes = {
      most: Infinity,
      window: 1,
      answersAt: "dot",
      onMail: (mail: ClaimedMail) => this.#take(mail),
    };
    Object.assign(server, greets, takes);
  }

  change(server: FakeServer): void {
    const { below, pick } = this.#random;
    server.onMail = pick<FakeServer["onMail"]>([
      (mail) => this.#take(mail),
      (mail) => this.#takeLate(mail, below(30_000)),
      (mail) => (below(3) > 0 ? this.#take(mail) : allOf(mail, { kind: "deferred", reply: BUSY }, cut())),
      (mail) => this.#takeSome(mail, TOO_MANY),
      (mail) => this.#takeSome(mail, LATER),
      (mail) => this.#takeSome(mail, REFUSED),
      (mail) => allOf(mail, LATER),
      (mail) =>
        allOf(mail, { kind: "deferred", reply: BUSY }, new DestinationTrouble("session", "busy", BUSY)),
      (mail) => allOf(mail, { kind: "unconfirmed", why: "cut" }, cut()),
      (mail) => allOf(mail, { kind: "released" }, cut()),
      (mail) => ({ ...allOf(mail, REFUSED), refusedAt: "mail" }),
      (mail) => ({ ...allOf(mail, REFUSED), refusedAt: "body" }),
      (mail) => allOf(mail, REFUSED),
      (mail) => allOf(mail, REFUSED),
    ]);
  }

  #take(mail: ClaimedMail, recipients = mail.recipients): SendResult {
    for (const { n } of recipients) {
      const key = `${mail.id}/${n}`;
      this.came.set(key, (this.came.get(key) ?? 0) + 1);
    }
    return allOf(mail, DELIVERED);
  }

  async #takeLate(mail: ClaimedMail, milliseconds: number): Promise<SendResult> {
    const result = this.#take(mail);
    await this.#pause(milliseconds);
    return result;
  }

  #takeSome(mail: ClaimedMail, others: typeof TOO_MANY | typeof LATER | typeof REFUSED): SendResult {
    const taken = mail.recipients.filter(() => this.#random.below(2) === 0);
    this.#take(mail, taken);
    const outcomes = mail.recipients.map((one) => [one.n, taken.includes(one) ? DELIVERED : others] as const);
    return { outcomes: new Map(outcomes), took: 1 };
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(milliseconds, resolve));
  }
}
