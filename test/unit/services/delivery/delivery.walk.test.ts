/** Domains that share primaries, while primaries, operators, the store and the clock do what they like. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DestinationTrouble, type SendResult } from "../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import type { Delivery } from "../../../../src/services/delivery/delivery.ts";
import { deliveryBench, type Bench } from "../../../support/delivery-bench.ts";
import { primaryAt } from "../../../support/fake-directory.ts";
import { allOf, DELIVERED, type FakeServer } from "../../../support/fake-smtp-client.ts";
import { hinderStore } from "../../../support/hindered-store.ts";
import { seededRandom, type Random } from "../../../support/random.ts";
import { idle } from "../../../support/settle.ts";

const LIVES = 12;
const STEPS = 60;
const DOMAINS = ["a.test", "b.test", "c.test", "d.test", "e.test"];
const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

const REFUSED = { kind: "refused", reply: { code: 550, text: "no" } } as const;
const BUSY = { code: 421, text: "busy" };
const cut = (): DestinationTrouble => new DestinationTrouble("session", "cut");

type Answer = (mail: ClaimedMail) => SendResult | Promise<SendResult>;

class Town {
  readonly bench: Bench = deliveryBench();
  readonly #random: Random;
  /** Where each recipient's mail came to, by `id/n`. */
  readonly came = new Map<string, string[]>();
  readonly faults: string[] = [];
  /** Where the mail of each domain may ever have gone. */
  readonly #routed = new Map(DOMAINS.map((domain) => [domain, new Set<string>()]));
  readonly #cuts = new Map<string, number>();
  #slowStore = false;
  #sickStore = false;

  constructor(random: Random) {
    this.#random = random;
    this.bench.random = () => random.below(1000) / 1000;
    hinderStore(this.bench, {
      delay: () => (this.#slowStore ? 1 + this.#random.below(300) : 0),
      fails: () => this.#sickStore && this.#random.below(2) === 0,
    });
    for (const host of HOSTS) this.#mend(host);
    for (const domain of DOMAINS) this.#route(domain);
    for (let i = 0; i < 40; i++) this.bench.store.put(this.#letter());
  }

  /** One thing that happens. */
  act(delivery: Delivery): void {
    const { below, pick } = this.#random;
    const { store, clock, directory } = this.bench;
    const host = pick(HOSTS);
    const server = this.#server(host);
    const domain = pick(DOMAINS);
    const changed = (): void => delivery.directoryChanged([domain]);
    const acts: readonly (() => unknown)[] = [
      () => Array.from({ length: below(30) }, () => store.accept(this.#letter())),
      () => Array.from({ length: below(5) }, () => store.accept(this.#letter())),
      () => this.#fall(host, server),
      () => (server.down = false),
      () => this.#change(host, server),
      () => (server.greeting = pick([undefined, new DestinationTrouble("greeting", "busy", BUSY), cut()])),
      () => (server.onGreet = pick([() => {}, () => this.#pause(below(20_000))])),
      () => Object.assign(server, { most: pick([1, 2, Infinity]), window: pick([1, 2, 8]) }),
      () => server.closeIdle(),
      () => (this.#route(domain), changed()),
      () => below(3) === 0 && (directory.remove(domain), changed()),
      () => delivery.flush(pick([undefined, [domain]])).catch(() => {}),
      () => delivery.resume(domain).catch(() => {}),
      () => (this.#slowStore = !this.#slowStore),
      () => (this.#sickStore = below(3) === 0),
      () => store.condition(pick(["sick", "ok", "ok"])),
      () => below(4) === 0 && clock.set(pick([-3_600_000, 86_400_000])),
    ];
    pick(acts)();
  }

  /** All is well again, and stays so. */
  mend(delivery: Delivery): void {
    this.#slowStore = false;
    this.#sickStore = false;
    this.bench.store.condition("ok");
    for (const host of HOSTS) this.#mend(host);
    for (const domain of DOMAINS) {
      const [first, second] = HOSTS;
      this.bench.directory.set(domain, [primaryAt(first, 25), primaryAt(second, 25, { preference: 5 })]);
      for (const host of [first, second]) this.#routed.get(domain)?.add(host);
    }
    delivery.directoryChanged(DOMAINS);
  }

  async pass(milliseconds: number, step: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      this.bench.clock.advance(Math.min(step, left));
      await idle();
    }
  }

  #letter() {
    const { below, pick } = this.#random;
    const recipients = Array.from({ length: 1 + below(3) }, () => `u${below(9)}@x.test`);
    return { domain: pick(DOMAINS), recipients, ip: `192.0.2.${below(3)}` };
  }

  #server(host: string): FakeServer {
    return this.bench.client.server(`${host}:25`);
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.bench.clock.after(milliseconds, resolve));
  }

  #route(domain: string): void {
    const { below } = this.#random;
    const limits = (): object => (below(4) > 0 ? {} : { connections: 1 + below(3), mailsPerConnection: 2 });
    const chosen = HOSTS.filter(() => below(2) === 0);
    const hosts = chosen.length === 0 ? HOSTS.slice(0, 1) : chosen;
    for (const host of hosts) this.#routed.get(domain)?.add(host);
    const primaries = hosts.map((host) => primaryAt(host, 25, { preference: below(2), ...limits() }));
    this.bench.directory.set(domain, primaries, { paused: below(8) === 0 });
  }

  #fall(host: string, server: FakeServer): void {
    server.down = true;
    this.#cuts.set(host, (this.#cuts.get(host) ?? 0) + 1);
    for (const conversation of server.conversing) conversation.abort();
  }

  #mend(host: string): void {
    const well = { down: false, greeting: undefined, onGreet: () => {}, most: Infinity, window: 1 };
    Object.assign(this.#server(host), well, { onMail: (mail: ClaimedMail) => this.#take(host, mail) });
  }

  #change(host: string, server: FakeServer): void {
    server.answersAt = this.#random.pick(["body", "dot"]);
    server.onMail = this.#random.pick(this.#answers(host));
  }

  #answers(host: string): readonly Answer[] {
    const { below } = this.#random;
    const later = { kind: "deferred", reply: { code: 451, text: "later" } } as const;
    const bye = { kind: "deferred", reply: BUSY } as const;
    return [
      (mail) => this.#take(host, mail),
      (mail) => this.#takeLate(host, mail, below(30_000)),
      (mail) => (below(3) > 0 ? this.#takeLate(host, mail, below(3000)) : allOf(mail, bye, cut())),
      (mail) => this.#takeSome(host, mail),
      (mail) => allOf(mail, later),
      (mail) => allOf(mail, bye, new DestinationTrouble("session", "busy", BUSY)),
      (mail) => allOf(mail, { kind: "unconfirmed", why: "cut" }, cut()),
      (mail) => allOf(mail, { kind: "released" }, cut()),
      (mail) => ({ ...allOf(mail, REFUSED), refusedAt: this.#random.pick(["mail", "body"]) }),
      (mail) => allOf(mail, REFUSED),
    ];
  }

  #take(host: string, mail: ClaimedMail, { recipients } = mail): SendResult {
    if (this.#routed.get(mail.domain)?.has(host) !== true) this.faults.push(`${mail.domain} came to ${host}`);
    for (const { n } of recipients) {
      const key = `${mail.id}/${n}`;
      this.came.set(key, [...(this.came.get(key) ?? []), host]);
    }
    return allOf(mail, DELIVERED);
  }

  /** Nothing comes over a connection that was cut meanwhile. */
  async #takeLate(host: string, mail: ClaimedMail, milliseconds: number): Promise<SendResult> {
    const before = this.#cuts.get(host);
    await this.#pause(milliseconds);
    return before === this.#cuts.get(host) ? this.#take(host, mail) : allOf(mail, DELIVERED);
  }

  #takeSome(host: string, mail: ClaimedMail): SendResult {
    const tooMany = { kind: "deferred", reply: { code: 452, enhanced: "4.5.3", text: "too many" } } as const;
    const taken = mail.recipients.filter(() => this.#random.below(2) === 0);
    this.#take(host, mail, { ...mail, recipients: taken });
    const outcomes = mail.recipients.map(
      (one) => [one.n, taken.includes(one) ? DELIVERED : tooMany] as const,
    );
    return { outcomes: new Map(outcomes), took: 1 };
  }
}

/** What is wrong once all has been well for long. */
function faultsOf({ bench, came, faults }: Town, delivery: Delivery): readonly string[] {
  const found = [...faults];
  for (const { id, recipients } of bench.store.mails)
    for (const { n, state, reason, unconfirmed } of recipients) {
      const times = came.get(`${id}/${n}`)?.length ?? 0;
      const ended = state === "gone" || state === "parked" || (state === "held" && reason === "unconfirmed");
      const told = unconfirmed > 0 || (state === "gone" ? times === 1 : times === 0);
      if (!ended || !told) found.push(`${id}/${n} is ${state} (${reason}), came ${times} times`);
    }
  for (const { destination, connections } of delivery.status())
    if (connections > 0) found.push(`${connections} connections to ${destination}`);
  return found;
}

async function runJobs(delivery: Delivery): Promise<void> {
  await Promise.allSettled(delivery.jobs.map((job) => job.run()));
}

async function live(seed: number): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const town = new Town(random);
  const delivery = await town.bench.start({}, "all domains");
  for (let step = 0; step < STEPS; step++) {
    town.act(delivery);
    const time = random.pick([10, 100, 1000, 5000, 30_000, 400_000]);
    await town.pass(time, Math.max(10, time / 50));
    if (random.below(4) === 0) void runJobs(delivery);
  }
  town.mend(delivery);
  for (let hour = 0; hour < 3; hour++) {
    for (let minute = 0; minute < 60; minute += 3) {
      await town.pass(180_000, 3000);
      void runJobs(delivery);
    }
    for (const domain of DOMAINS) void delivery.resume(domain);
  }
  await town.pass(10_000, 100);
  const found = faultsOf(town, delivery);
  const stopped = delivery.stop();
  await town.pass(60_000, 500);
  await stopped;
  return found;
}

test("each mail comes once where it may, or is told of, and no claim or connection is left behind", async () => {
  for (let seed = 1; seed <= LIVES; seed++) assert.deepEqual(await live(seed), [], `seed ${seed}`);
});
