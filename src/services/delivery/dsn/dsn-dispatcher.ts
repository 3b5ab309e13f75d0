import type { Clock, Timer } from "../../../runtime/clock.ts";
import { errorText } from "../../../runtime/log.ts";
import type { Job } from "../../../runtime/schedule.ts";
import { DsnDelivery } from "./dsn-delivery.ts";
import { DsnWriter } from "./dsn-writer.ts";
import type { DeliveryParts, DeliverySettings, Doubts } from "../ground/parts.ts";
import { Settler } from "../ground/settler.ts";

/** In ms. Recipients of one mail that are settled within this time share a DSN, although their domains differ. */
const GATHER = 1000;
/** How often the store is asked for owed DSNs, in ms. */
const EVERY = 60_000;
/** How often the store is asked for DSNs that are due, in ms. */
const DELIVER_EVERY = 30_000;

interface DsnDispatcherParts extends DeliveryParts {
  /** Whether the age of mail can be believed. While it cannot, no delay is notified and no DSN expires. */
  readonly timely: () => boolean;
  readonly isDoubted: Doubts;
}

/** Starts the writing of DSNs when one is owed, and their delivery when one waits. */
export class DsnDispatcher {
  readonly jobs: readonly Job[];
  readonly #delivery: DsnDelivery;
  readonly #writer: DsnWriter;
  readonly #settler: Settler;
  readonly #clock: Clock;
  readonly #log: DeliveryParts["log"];
  readonly #timely: () => boolean;
  #gathering: Timer | undefined;
  #writing: Promise<"again" | "done"> | undefined;
  #stopped = false;

  constructor(parts: DsnDispatcherParts, settings: () => DeliverySettings) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#timely = parts.timely;
    this.#settler = new Settler(parts);
    this.#writer = new DsnWriter({
      ...parts,
      ...parts.dsn,
      settings: () => dsnWriterSettings(settings()),
    });
    this.#delivery = new DsnDelivery({
      ...parts,
      settler: this.#settler,
      settings: () => dsnDeliverySettings(settings(), parts.timely()),
    });
    this.jobs = [
      { name: "notices.write", every: EVERY, run: () => this.#write() },
      { name: "notices.delays", every: EVERY, run: () => this.#noteDelays() },
      { name: "notices.carry", every: DELIVER_EVERY, run: () => this.#delivery.run() },
    ];
  }

  /** Writes DSNs after the gathering time. */
  owed(): void {
    if (this.#stopped) return;
    this.#gathering ??= this.#clock.after(GATHER, () => {
      this.#gathering = undefined;
      void this.#writeAll();
    });
  }

  /** Delivers the DSNs that wait in the queue. */
  waiting(): void {
    this.#delivery.start();
  }

  flush(): Promise<void> {
    return this.#delivery.flush();
  }

  /** Called after a reload: retries waiting DSNs at once if their route changed or may have been corrected. */
  renewed({ notices: before }: DeliverySettings, { notices: { route } }: DeliverySettings): void {
    const same = JSON.stringify(route) === JSON.stringify(before.route);
    // The password of a smart host is read from its file at each login.
    if (same && route.kind !== "host") return;
    this.flush().catch((error: unknown) => {
      this.#log.error("notices could not be scheduled", { error: errorText(error) });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#gathering?.cancel();
    await this.#writing?.catch(() => undefined);
    await this.#delivery.stop();
    await this.#settler.stop(10_000);
  }

  async #writeAll(): Promise<void> {
    try {
      while (!this.#stopped && (await this.#write()) === "again");
    } catch (error) {
      this.#log.error("notices could not be written, trying again", { error: errorText(error) });
    }
  }

  /** Writes one slice; several callers at the same time share it. */
  #write(): Promise<"again" | "done"> {
    this.#writing ??= this.#writer.write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #noteDelays(): Promise<"again" | "done"> {
    if (!this.#timely()) return "done";
    const result = await this.#writer.noteDelays();
    this.owed();
    return result;
  }
}

function dsnWriterSettings({ hostname, retention, notices }: DeliverySettings) {
  const { delay, fullSize, perSender, route } = notices;
  return {
    hostname,
    rules: { route: route.kind !== "off", perSender },
    ...(delay !== undefined && { delay }),
    fullSize,
    retention: retention.waiting,
  };
}

function dsnDeliverySettings({ hostname, ownAddresses, notices }: DeliverySettings, timely: boolean) {
  const { route, retention } = notices;
  return { hostname, ownAddresses, route, retention: timely ? retention : Infinity };
}
