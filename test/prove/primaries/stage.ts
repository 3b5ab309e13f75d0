/** A daemon and the behaviours that it meets side by side: a domain each, one clock for all. */
import { fakeDns, type FakeDns } from "../../support/fake-dns.ts";
import { Primary } from "../../support/fake-primary.ts";
import { freePort } from "../../support/free-port.ts";
import { createLoad } from "../../support/load.ts";
import { ResidentDaemon } from "../../support/resident-daemon.ts";
import type { QueueEntryBody } from "../../../src/endpoints/admin/contract.ts";
import { pause, waitFor } from "../../support/wait.ts";
import { Ledger } from "../checker.ts";
import { MAILS, type Behaviour, type TestTime } from "./behaviour.ts";
import { account, countsOf, inWords, matches, wasTold, type Account, type Scene } from "./scene.ts";
import { openWebhook, type Webhook } from "./told.ts";

/** Milliseconds. */
const DEADLINE = 45_000;
/** Milliseconds. */
const ALERTS_DEADLINE = 5000;
const PEOPLE = ["alice", "bob", "carol"];

interface StagePlan {
  readonly folder: string;
  readonly seed: number;
  readonly behaviours: readonly Behaviour[];
}

interface Moments {
  now(): number;
  ended(): boolean;
}

interface Parts {
  readonly daemon: ResidentDaemon;
  readonly dns: FakeDns;
  readonly webhook: Webhook;
  readonly scenes: readonly Scene[];
}

export class Stage implements AsyncDisposable {
  readonly #parts: Parts;
  /** What did not come to where it should in time, in sentences. */
  readonly late: string[] = [];
  closed = false;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves when all mail is in and waits. */
  static async open(plan: StagePlan): Promise<Stage> {
    const dns = await fakeDns({
      "nxdomain.primaries.test": "NXDOMAIN",
      "servfail.primaries.test": "SERVFAIL",
    });
    const webhook = await openWebhook();
    const smtpPort = await freePort();
    let daemon: ResidentDaemon | undefined;
    let stage: Stage | undefined;
    const moments = {
      now: () => daemon?.now() ?? Date.now(),
      ended: () => stage?.closed === true,
    };
    const time = { now: moments.now, wait: (ms: number) => untilPassed(moments, ms) };
    const scenes = await Promise.all(
      plan.behaviours.map((behaviour, n) => setUp(behaviour, { n, time, smtpPort })),
    );
    const domains = Object.fromEntries(scenes.map((scene) => [scene.domain, domainKeys(scene, smtpPort)]));
    daemon = await ResidentDaemon.start({
      folder: plan.folder,
      smtpPort,
      primaryPort: 0,
      settings: { domains, dns: { servers: [dns.server] }, alerts: { webhook: webhook.url, oldest: "365d" } },
    });
    stage = new Stage({ daemon, dns, webhook, scenes });
    await stage.#fill(plan.seed, smtpPort);
    return stage;
  }

  /** Lets mail go; resolves when each behaviour has come to its first standstill. */
  async begin(): Promise<void> {
    await Promise.all(this.#parts.scenes.map(({ domain }) => this.#domain(domain, "resume")));
    const meanwhile = this.#parts.scenes.map((scene) =>
      scene.behaviour.meanwhile?.(scene.primaries[0] as Primary),
    );
    await this.#until("the first standstill", (scene, entries) => this.#stands(scene, entries));
    await Promise.all(meanwhile);
  }

  /** Lets time pass in steps; nothing may have changed by it. */
  async outlast(milliseconds: number, steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      this.#parts.daemon.pass(milliseconds / steps);
      // Each second of real time the threads look at the clock.
      await pause(1500);
      await this.#until("the standstill after some days", (scene, entries) => this.#stands(scene, entries));
    }
  }

  /** Mends what can be mended. */
  async mend(): Promise<void> {
    await Promise.all(this.#parts.scenes.map((scene) => this.#mend(scene)));
  }

  /** Lets time pass, `step` milliseconds each `every`, until each behaviour has come to its end. */
  async finish(step: number, every: number): Promise<void> {
    const { daemon } = this.#parts;
    const ending = new AbortController();
    const clock = async (): Promise<void> => {
      for (; !ending.signal.aborted; await pause(every)) {
        // A conversation in progress should not find itself hours later.
        if (step < 10_000 || (await daemon.status()).mail["claimed"] === undefined) daemon.pass(step);
      }
    };
    const running = clock();
    await this.#until("the end", ({ behaviour }, entries) => matches(countsOf(entries), behaviour.after));
    ending.abort();
    await running;
  }

  async accounts(): Promise<readonly Account[]> {
    const { scenes, webhook } = this.#parts;
    // Alerts leave after the fact that they tell of; what is missing in the end is named by the account.
    await waitFor({ what: "all alerts", deadline: ALERTS_DEADLINE, every: 50 }, () =>
      scenes.every((scene) => wasTold(scene, webhook.alerts)),
    ).catch(() => {});
    const entries = await this.#entries();
    return scenes.map((scene) => account(scene, entries.get(scene.domain) ?? [], webhook.alerts));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { daemon, dns, webhook, scenes } = this.#parts;
    this.closed = true;
    await daemon[Symbol.asyncDispose]();
    await Promise.all(scenes.flatMap(({ primaries }) => primaries.map((primary) => primary.close())));
    await webhook[Symbol.asyncDispose]();
    await dns[Symbol.asyncDispose]();
  }

  /** Paused, so that all mail waits before the first of it goes. */
  async #fill(seed: number, port: number): Promise<void> {
    const { scenes } = this.#parts;
    const ready = ({ behaviour, domain, destination }: Scene): Promise<unknown> =>
      behaviour.flowing === true ? this.#untilUp(destination) : this.#domain(domain, "pause");
    await Promise.all(scenes.map(ready));
    const load = (scene: Scene, n: number): Promise<void> =>
      createLoad({
        port,
        domain: scene.domain,
        recipients: PEOPLE,
        everybody: scene.behaviour.everybody ?? false,
        seed: seed * 100 + n,
        sessions: 2,
        size: 2048,
        ledger: scene.ledger,
      }).send(scene.behaviour.mails ?? MAILS);
    await Promise.all(scenes.map(load));
    for (const { ledger, behaviour } of scenes) {
      const { name, mails = MAILS } = behaviour;
      const taken = ledger.count("acked");
      if (taken !== mails) throw new Error(`${name}: ${taken} of ${mails} mails were taken`);
    }
  }

  #untilUp(destination: string): Promise<unknown> {
    return waitFor({ what: `${destination} is up`, deadline: DEADLINE }, async () => {
      const { primaries } = await this.#parts.daemon.status();
      return primaries.find((one) => one.destination === destination)?.state === "up";
    });
  }

  #domain(name: string, verb: "pause" | "resume"): Promise<unknown> {
    return this.#parts.daemon.api("POST", `/v1/domains/${name}/${verb}`, {});
  }

  async #mend(scene: Scene): Promise<void> {
    const { behaviour, primaries } = scene;
    const [primary] = primaries;
    if (primary === undefined) return;
    if (behaviour.closed === true) await primary.open();
    await behaviour.mend?.({ primary, dns: this.#parts.dns });
    if (behaviour.promptly !== true) return;
    const begin = performance.now();
    await waitFor({ what: "the first mail", deadline: DEADLINE, every: 2 }, () => primary.mails.length > 0);
    scene.first = performance.now() - begin;
  }

  async #stands(
    { behaviour, domain, destination, primaries }: Scene,
    entries: readonly QueueEntryBody[],
  ): Promise<boolean> {
    const { before } = behaviour;
    if (before === undefined) return true;
    const counts = countsOf(entries);
    if (before.counts !== undefined && !matches(counts, before.counts)) return false;
    if (before.open !== undefined && counts.waiting + counts.unconfirmed !== before.open) return false;
    const { verb = "", times = 0 } = before.asked ?? {};
    const asked = primaries[0]?.commands.filter((line) => line.startsWith(verb)).length ?? 0;
    if (asked < times) return false;
    if (before.state === undefined && before.acceptAll === undefined) return true;
    const known = (await this.#parts.daemon.status()).primaries.find(
      (one) => one.destination === destination,
    );
    if (before.acceptAll === true && known?.acceptAll?.includes(domain) !== true) return false;
    return before.state === undefined || known?.state === before.state;
  }

  /** Waits until all scenes satisfy `isDone`; says which do not. */
  async #until(
    what: string,
    isDone: (scene: Scene, entries: readonly QueueEntryBody[]) => boolean | Promise<boolean>,
  ): Promise<void> {
    let open: readonly string[] = [];
    await waitFor({ what, deadline: DEADLINE, every: 100 }, async () => {
      const entries = await this.#entries();
      const late = await Promise.all(
        this.#parts.scenes.map(async (scene) => {
          const own = entries.get(scene.domain) ?? [];
          return (await isDone(scene, own)) ? [] : [`${scene.behaviour.name} (${inWords(countsOf(own))})`];
        }),
      );
      open = late.flat();
      return open.length === 0;
    }).catch((error: unknown) => {
      // What is late is counted as it is; the account names it.
      this.late.push(`${String(error)}: ${open.join("; ")}`);
    });
  }

  async #entries(): Promise<Map<string, QueueEntryBody[]>> {
    const all = new Map<string, QueueEntryBody[]>();
    for await (const entry of this.#parts.daemon.entries(true)) {
      const known = all.get(entry.domain);
      if (known === undefined) all.set(entry.domain, [entry]);
      else known.push(entry);
    }
    return all;
  }
}

async function setUp(
  behaviour: Behaviour,
  { n, time, smtpPort }: { readonly n: number; readonly time: TestTime; readonly smtpPort: number },
): Promise<Scene> {
  const primaries = behaviour.scripts(time).map((script) => new Primary(script));
  for (const primary of primaries) {
    await primary.open();
    if (behaviour.closed === true) await primary.close();
  }
  const host = behaviour.transport?.["host"] ?? "127.0.0.1";
  const port = behaviour.ownListener === true ? smtpPort : primaries[0]?.port;
  return {
    behaviour,
    domain: `d${n}.test`,
    primaries,
    destination: `${String(host)}:${port}`,
    ledger: new Ledger(),
  };
}

function domainKeys({ behaviour, primaries }: Scene, smtpPort: number): Record<string, unknown> {
  const ports = behaviour.ownListener === true ? [smtpPort] : primaries.map(({ port }) => port);
  const transport = { host: "127.0.0.1", tls: "none", ...behaviour.transport };
  const primary = ports.map((port, n) => Object.assign({ port, preference: 10 + n }, transport));
  return { mode: "backup", primary, recipients: behaviour.recipients ?? PEOPLE };
}

/** Ends at once when the clock is not needed any more. */
async function untilPassed({ now, ended }: Moments, milliseconds: number): Promise<void> {
  for (const end = now() + milliseconds; !ended() && now() < end;) await pause(5);
}
