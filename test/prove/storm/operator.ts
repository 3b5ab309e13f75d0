/** Somebody who does whatever an operator can do, at any time; each act that ends mail is remembered. */
import { join } from "node:path";
import type { QueuePage } from "../../../src/endpoints/admin/contract.ts";
import type { AdminClient } from "../../support/admin-client.ts";
import type { ClockedDaemon } from "../../support/clocked-daemon.ts";
import type { Random } from "../../support/random.ts";
import { replaceFile, type Certificates } from "./certificates.ts";
import { BLOCKED } from "./letters.ts";
import { PLACES, REROUTE, Y } from "./places.ts";
import { quarantineActs } from "./quarantine.ts";
import { USERS_FILE, type Town } from "./town.ts";

export interface Filter {
  readonly id?: string;
  readonly domain?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly state?: string;
}

/** What an act may meet: no such thing, a conflict, and whatever a daemon that dies leaves; a bug is in its log. */
const EXPECTED = /: (?:404|409|500|504) |ECONNREFUSED|ECONNRESET|ENOENT|socket hang up|EPIPE/;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Why mail is held until somebody decides. */
const SET_ASIDE = ["operator", "quarantine", "unconfirmed", "loop"];
const LOOKS = [
  "/v1/status",
  "/v1/domains",
  "/metrics",
  "/v1/trace?about=alice@a.test",
  "/v1/queue?ledger=1&limit=500",
];

interface OperatorPlan {
  readonly daemon: ClockedDaemon;
  readonly town: Town;
  readonly certificates: Certificates;
  readonly random: Random;
  /** The configuration besides what changes. */
  readonly base: Readonly<Record<string, unknown>>;
  /** At times mail expires after hours. */
  readonly brief: boolean;
}

export class Operator {
  readonly #plan: OperatorPlan;
  readonly #acts: readonly (() => Promise<unknown>)[];
  #rule: string | undefined;
  readonly deleted: Filter[] = [];
  readonly bounced: Filter[] = [];
  /** Mails as they were exported. */
  readonly exported: string[] = [];
  readonly complaints: string[] = [];
  acts = 0;

  constructor(plan: OperatorPlan) {
    this.#plan = plan;
    const domain = `/v1/domains/${Y.domain}`;
    this.#acts = [
      () => this.reload(),
      () => this.#breakFile(),
      () => this.#queue("hold"),
      () => this.#queue("release"),
      () => this.#queue("flush"),
      () => this.#queue("reroute", { to: `127.0.0.1:${plan.town.ports[REROUTE]}` }),
      () => this.#queue("reroute", { to: "primary" }),
      () => this.#end("delete", this.deleted),
      () => this.#end("bounce", this.bounced),
      () => this.#export(),
      () => this.#pause(),
      () => this.#client.api("POST", `/v1/domains/${plan.random.pick(PLACES).domain}/resume`),
      () => this.addDomain(),
      () => this.#client.api("PATCH", domain, this.#settings()),
      () => this.#client.api("DELETE", domain),
      () => this.#recipients(),
      () => this.#access(),
      () => plan.certificates.renew(plan.random),
      ...quarantineActs({ client: () => this.#client, random: plan.random, deleted: this.deleted }),
      () => this.#client.text(plan.random.pick(LOOKS)),
    ];
  }

  async act(): Promise<void> {
    this.acts += 1;
    await this.#plan.random
      .pick(this.#acts)()
      .catch((error: unknown) => {
        if (!EXPECTED.test(String(error))) this.complaints.push(`an act of the operator: ${String(error)}`);
      });
  }

  /** Writes the configuration anew and has it read. */
  async reload(calm = false): Promise<void> {
    const { daemon, town, random, base, brief } = this.#plan;
    const some = (oneIn: number): boolean => !calm && random.below(oneIn) === 0;
    const document = {
      ...base,
      smtp: {
        ...(base["smtp"] as object),
        ...(some(4) && { maxMessageSize: "100KiB" }),
        ...(some(6) && { tls: undefined }),
      },
      delivery: {
        connections: calm ? 20 : random.pick([1, 3, 20]),
        mailsPerConnection: random.pick([2, 100]),
      },
      retention: {
        ...(base["retention"] as object),
        ...(brief && some(2) && { waiting: "3h", parked: "5h" }),
      },
      notices: { ...(base["notices"] as object), route: town.route(calm) },
      domains: town.domains(calm),
    };
    const { config } = daemon.process;
    await replaceFile(join(config, "..", USERS_FILE), town.users());
    await replaceFile(config, JSON.stringify(document, undefined, 2));
    await this.#client.api("POST", "/v1/reload");
  }

  addDomain(): Promise<unknown> {
    return this.#client.api("POST", "/v1/domains", { name: Y.domain, catchAll: true, ...this.#settings() });
  }

  /** Lets all mail go that somebody held or paused, and waits for none of it: a probation must end by itself. */
  async letGo(): Promise<void> {
    const { daemon } = this.#plan;
    const { paused } = await this.#client.status();
    // `resume` would end a probation, too.
    for (const domain of paused)
      await this.#client.api("POST", `/v1/domains/${domain}/pause?until=${daemon.now() + MINUTE}`);
    for (const reason of SET_ASIDE)
      await this.#client.api("POST", "/v1/queue/actions", { verb: "release", filter: { reason } });
    await this.#client.api("POST", "/v1/queue/actions", { verb: "flush", all: true });
  }

  get #client(): AdminClient {
    return this.#plan.daemon.process;
  }

  #settings(): object {
    const { random, town } = this.#plan;
    const quota = random.pick([{}, {}, { quota: { messages: 5 } }, { quota: { bytes: 100_000 } }]);
    const port = town.ports[random.pick(Y.primaries)];
    return { primaries: [{ host: "127.0.0.1", port, tls: "none" }], ...quota };
  }

  /** A file with a mistake changes nothing. */
  async #breakFile(): Promise<void> {
    await replaceFile(this.#plan.daemon.process.config, "domains: [");
    const refused = this.#client.api("POST", "/v1/reload").then(
      () => false,
      () => true,
    );
    if (!(await refused)) this.complaints.push("a broken file was taken");
    await this.reload();
  }

  async #queue(verb: string, more: { readonly to?: string } = {}): Promise<void> {
    const { random } = this.#plan;
    const { domain, guests } = random.pick(PLACES);
    const filters: readonly Filter[] = [
      { domain },
      { recipient: `${random.pick(guests)}@${domain}` },
      { sender: "load@sender.example" },
      { state: "held" },
    ];
    const narrow = random.below(3) > 0;
    const filter = narrow ? await this.#anyMail() : random.pick(filters);
    const target = !narrow && random.below(5) === 0 ? { all: true } : { filter };
    if (filter !== undefined)
      await this.#client.api("POST", "/v1/queue/actions", { verb, ...target, ...more });
  }

  /** Ends one mail, or all of a guest. */
  async #end(verb: "delete" | "bounce", ended: Filter[]): Promise<void> {
    const { random } = this.#plan;
    const { domain, guests } = random.pick(PLACES);
    const guest = { recipient: `${random.pick(guests)}@${domain}` };
    const filter = random.below(3) > 0 ? await this.#anyMail() : guest;
    if (filter === undefined) return;
    ended.push(filter);
    await this.#client.api("POST", "/v1/queue/actions", { verb, filter });
  }

  async #anyMail(): Promise<Filter | undefined> {
    const { items } = await this.#client.api<QueuePage>("GET", "/v1/queue?limit=50");
    return items.length === 0 ? undefined : { id: this.#plan.random.pick(items).id };
  }

  async #export(): Promise<void> {
    const mail = await this.#anyMail();
    if (mail !== undefined) this.exported.push(await this.#client.text(`/v1/queue/${mail.id}/export`));
  }

  #pause(): Promise<unknown> {
    const { random, daemon } = this.#plan;
    const until = random.below(2) === 0 ? `?until=${daemon.now() + HOUR}` : "";
    return this.#client.api("POST", `/v1/domains/${random.pick(PLACES).domain}/pause${until}`);
  }

  #recipients(): Promise<unknown> {
    const { random } = this.#plan;
    const { domain, guests } = random.pick(PLACES);
    const change = { verb: random.pick(["add", "remove"]), recipients: [random.pick(guests)] };
    return this.#client.api("POST", `/v1/domains/${domain}/recipients`, change);
  }

  /** Adds a rule, or takes the one that was added away. */
  async #access(): Promise<void> {
    const rule = this.#rule;
    this.#rule = undefined;
    if (rule !== undefined) return this.#client.api("DELETE", `/v1/access/${rule}`);
    const block = { action: "block", sender: this.#plan.random.pick(BLOCKED) };
    const { id } = await this.#client.api<{ id: string }>("POST", "/v1/access", block);
    this.#rule = id;
  }
}
