/**
 * Domains with one to three primaries each, some of them shared, while primaries, operators, the store and the clock do
 * what they like. What the design promises is watched all the while: nothing comes twice unless that is told of, and what
 * is due does not lie beside a primary that is up and idle.
 */
import { reroutedKey } from "../../src/mail/delivery-key.ts";
import type { Primary } from "../../src/ports/directory.ts";
import type { PrimaryStatus } from "../../src/ports/health.ts";
import type { Delivery } from "../../src/services/delivery/delivery.ts";
import { deliveryBench, type Bench } from "./delivery-bench.ts";
import { primaryAt } from "./fake-directory.ts";
import type { FakeServer } from "./fake-smtp-client.ts";
import { hinderStore } from "./hindered-store.ts";
import { seededRandom, type Random } from "./random.ts";
import { LyingMail } from "./region-lying.ts";
import { RegionPrimaries } from "./region-primaries.ts";
import { idle } from "./settle.ts";

const DOMAINS = ["a.test", "b.test", "c.test"];
const HOSTS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
/** Of which the first half is listed. */
const LOCALS = ["u0", "u1", "u2", "u3", "u4", "u5"];

export class Region {
  readonly bench: Bench = deliveryBench();
  readonly #random: Random;
  readonly lying: LyingMail;
  readonly #servers: RegionPrimaries;
  readonly #primaries = new Map<string, readonly Primary[]>();
  /** Starts and leaps of the clock happen in this life. */
  readonly #leaps: boolean;
  #delivery: Delivery | undefined;
  #running = new Set<string>();
  #jobsAt = new Map<string, number>();
  #slowStore = false;
  #failing = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#leaps = this.#random.below(3) === 0;
    this.bench.random = () => this.#random.below(1000) / 1000;
    for (const local of LOCALS.slice(0, 3)) this.bench.directory.listed.set(local, local);
    this.#servers = new RegionPrimaries(this.bench.clock, this.#random);
    const primariesOf = (domain: string): readonly Primary[] => this.#primaries.get(domain) ?? [];
    this.lying = new LyingMail({ bench: this.bench, domains: DOMAINS, primariesOf, leaps: this.#leaps });
    hinderStore(this.bench, {
      delay: () => (this.#slowStore ? 1 + this.#random.below(300) : 0),
      fails: () => this.#random.below(6) < this.#failing,
    });
    for (const host of HOSTS) this.#servers.mend(this.#server(host));
    for (const domain of DOMAINS) this.#route(domain);
    for (let i = 0; i < 10; i++) this.bench.store.put(this.#letter());
  }

  async start(): Promise<void> {
    this.#delivery = await this.bench.start({}, "all domains");
  }

  async stop(): Promise<void> {
    const stopped = this.#delivery?.stop();
    this.#delivery = undefined;
    await this.pass(60_000, 1000);
    await stopped;
    this.bench.store.restarted();
    this.lying.forget();
  }

  /** One thing that happens. */
  async act(): Promise<void> {
    const { below, pick } = this.#random;
    const { store, clock, directory } = this.bench;
    const host = pick(HOSTS);
    const server = this.#server(host);
    const domain = pick(DOMAINS);
    const changed = (): void => this.#delivery?.directoryChanged([domain]);
    const acts: readonly (() => unknown)[] = [
      () => Array.from({ length: below(20) }, () => store.accept(this.#letter())),
      () => Array.from({ length: below(4) }, () => store.accept(this.#letter(domain))),
      () => this.#servers.fall(server),
      () => this.#servers.fall(server),
      () => (server.down = false),
      () => (server.down = false),
      () => this.#servers.change(server),
      () => this.#servers.change(server),
      () => this.#servers.mend(this.#server(host)),
      () => this.#servers.greet(server),
      () => Object.assign(server, { most: pick([1, 2, Infinity]), window: pick([1, 2, 8]) }),
      () =>
        Object.assign(server, {
          extensions: pick([["PIPELINING"], ["SMTPUTF8"]]),
          size: pick([undefined, 70_000]),
        }),
      () => server.closeIdle(),
      () => (this.#route(domain), changed()),
      () => this.#pauseOrResume(domain, changed),
      () => below(3) === 0 && (directory.remove(domain), this.#primaries.delete(domain), changed()),
      () => this.#reroute(domain, host),
      () => this.#operate(domain),
      () => this.#delivery?.flush(pick([undefined, [domain]])).catch(() => {}),
      () => below(4) === 0 && this.#delivery?.resume(domain).catch(() => {}),
      () => (this.#slowStore = !this.#slowStore),
      () => (this.#failing = pick([0, 0, 2, 5])),
      () => this.#sicken(below(5000)),
      () => this.#leaps && below(4) === 0 && clock.set(pick([-3_600_000, 86_400_000])),
    ];
    pick(acts)();
    if (this.#leaps && below(12) === 0) await this.stop().then(() => this.start());
  }

  async live(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.act();
      const time = this.#random.pick([10, 100, 1000, 8000, 30_000, 400_000]);
      await this.pass(time, Math.max(10, time > 30_000 ? 5000 : Math.min(1000, time / 10)));
    }
  }

  /** All is well again, and stays so. */
  mend(): void {
    this.#slowStore = false;
    this.#failing = 0;
    this.bench.store.condition("ok");
    for (const host of HOSTS) this.#servers.mend(this.#server(host));
    for (const domain of DOMAINS) {
      if (this.bench.directory.domain(domain) === undefined) this.#route(domain);
      this.bench.directory.set(domain, this.#primaries.get(domain) ?? []);
    }
    this.#delivery?.directoryChanged(DOMAINS);
  }

  /** Fresh mail for people who exist, one after the other; so much that it ends a probation, then a canary's another. */
  async freshMail(): Promise<void> {
    for (let i = 0; i < 25; i++) {
      for (const domain of DOMAINS) this.bench.store.accept({ domain, recipients: [`u${i % 3}@${domain}`] });
      await this.pass(2000, 1000);
    }
    await this.pass(5000, 1000);
  }

  async pass(milliseconds: number, step: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= step) {
      this.bench.clock.advance(Math.min(step, left));
      this.#runJobs();
      await idle();
      if (this.#slowStore || this.#failing > 0) this.lying.storeIsSick(this.bench.clock.elapsed());
      this.lying.look(this.#status());
    }
  }

  /** What waits although nothing hinders it. */
  left(): readonly string[] {
    return this.bench.store.mails.flatMap(({ id, domain, recipients }) =>
      recipients.flatMap(({ n, state, reason, unconfirmed }) => {
        const times = this.#servers.came.get(`${id}/${n}`) ?? 0;
        const told = unconfirmed > 0 || times === (state === "gone" ? 1 : 0);
        const ended = state === "gone" || state === "parked" || (state === "held" && reason !== "probation");
        return ended && told ? [] : [`${id}/${n} of ${domain} is ${state} ${reason}, came ${times} times`];
      }),
    );
  }

  /** What an operator would have to look at. */
  troubles(): readonly string[] {
    const found: string[] = [];
    for (const { destination, state, probation = [], connections } of this.#status()) {
      if (state !== "up") found.push(`${destination} is ${state}`);
      if (connections > 0) found.push(`${connections} connections to ${destination}`);
      for (const each of probation)
        if (each.state === "stopped") found.push(`${destination} is stopped for ${each.domain}: ${each.why}`);
    }
    return found;
  }

  #status(): readonly PrimaryStatus[] {
    return this.#delivery?.status() ?? [];
  }

  #server(host: string): FakeServer {
    return this.bench.client.server(`${host}:25`);
  }

  #letter(domain = this.#random.pick(DOMAINS)) {
    const { below, pick } = this.#random;
    const recipients = Array.from({ length: 1 + below(3) }, () => `${pick(LOCALS)}@${domain}`);
    const body = below(10) === 0 ? Buffer.alloc(80_000) : "hello";
    return { domain, recipients, body, smtpUtf8: below(10) === 0, ip: `192.0.2.${below(3)}` };
  }

  #sicken(milliseconds: number): void {
    this.lying.storeIsSick(this.bench.clock.elapsed() + milliseconds);
    this.bench.store.condition("sick");
    this.bench.clock.after(milliseconds, () => this.bench.store.condition("ok"));
  }

  #route(domain: string): void {
    const { below } = this.#random;
    const limits = (): object => (below(4) > 0 ? {} : { connections: 1 + below(3), mailsPerConnection: 2 });
    const hosts = HOSTS.filter(() => below(2) === 0).slice(0, 3);
    const chosen = hosts.length === 0 ? HOSTS.slice(0, 1) : hosts;
    const primaries = chosen.map((host) =>
      primaryAt(host, 25, { preference: below(2), weight: 1 + below(3), ...limits() }),
    );
    this.#primaries.set(domain, primaries);
    this.bench.directory.set(domain, primaries);
  }

  #pauseOrResume(domain: string, changed: () => void): void {
    const primaries = this.#primaries.get(domain);
    if (primaries === undefined) return;
    this.bench.directory.set(domain, primaries, { paused: this.#random.below(2) === 0 });
    changed();
  }

  #reroute(domain: string, host: string): void {
    const { store } = this.bench;
    const key = this.#random.below(3) === 0 ? domain : reroutedKey(domain, `${host}:25`);
    for (const mail of store.mails.filter((each) => each.domain.startsWith(domain)).slice(-5)) {
      if (mail.domain === key || !mail.recipients.every(({ state }) => state === "waiting")) continue;
      Object.assign(mail, { domain: key });
      for (const recipient of mail.recipients) recipient.dueAt = this.bench.clock.now();
      store.tell({ kind: "work", domain: key, recipients: mail.recipients.length });
    }
  }

  /** An operator holds mail, or lets it go. */
  #operate(domain: string): void {
    const { store, clock } = this.bench;
    for (const mail of store.mails.filter((each) => each.domain === domain).slice(-8))
      for (const recipient of mail.recipients)
        if (recipient.state === "waiting" && this.#random.below(2) === 0)
          Object.assign(recipient, { state: "held", reason: "operator" });
        else if (recipient.state === "held") {
          Object.assign(recipient, { state: "waiting", dueAt: clock.now() });
          delete recipient.reason;
          store.tell({ kind: "work", domain, recipients: 1 });
        }
  }

  #runJobs(): void {
    const now = this.bench.clock.elapsed();
    for (const { name, every, run } of this.#delivery?.jobs ?? []) {
      if (now < (this.#jobsAt.get(name) ?? 0) || this.#running.has(name)) continue;
      this.#jobsAt.set(name, now + every);
      this.#running.add(name);
      void Promise.allSettled([run()]).then(() => this.#running.delete(name));
    }
  }
}

/** One life of a region, with all well at its end; what was wrong. */
export async function liveInRegion(seed: number, steps: number): Promise<readonly string[]> {
  const region = new Region(seed);
  await region.start();
  await region.live(steps);
  region.mend();
  await region.pass(80 * 60_000, 5000);
  const left = region.left();
  await region.freshMail();
  const lay = [...region.lying.found].map((domain) => `mail of ${domain} lay beside an idle primary`);
  const found = [...lay, ...left, ...region.left(), ...region.troubles()];
  await region.stop();
  return found;
}
