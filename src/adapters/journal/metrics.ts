/** The numbers that monitoring collects. Every label has a bounded set of values. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ListStatus } from "../../ports/blocklist.ts";
import type { PrimaryStatus } from "../../ports/health.ts";
import type { JournalEvent } from "../../ports/journal.ts";
import type { QueueCount } from "../../ports/operator.ts";
import type { State, StoreCondition } from "../../ports/queue.ts";

/** What is measured when somebody asks. */
export interface Gauges {
  readonly queue: readonly QueueCount[];
  readonly primaries: readonly PrimaryStatus[];
  /** SMTP clients connected. */
  readonly connections: number;
  readonly condition: StoreCondition;
  /** Bytes free above the reserve. */
  readonly room: number;
  readonly lists: readonly ListStatus[];
}

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];
const OPEN_STATES: readonly State[] = ["waiting", "claimed", "unconfirmed", "held", "parked"];
/** Milliseconds between two looks at the event loop. */
const LAG_RESOLUTION = 20;
const MAX_PRIMARIES = 1000;
/** Seconds, from at once to a month. */
const AGES = [1, 2, 5, 15, 60, 300, 1800, 3600, 14_400, 86_400, 604_800, 2_592_000];
/** Seconds. */
const SCANS = [0.005, 0.02, 0.1, 0.5, 2, 5, 10, 20];

export class Metrics {
  readonly #registry = new Registry();
  readonly #lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION });
  readonly #accepted = this.#counter("mails_accepted_total", "Mails stored durably and answered with 250");
  readonly #acceptedBytes = this.#counter("accepted_bytes_total", "Octets of accepted mail");
  readonly #refused = this.#counter(
    "clients_refused_total",
    "Refusals by stage and class of the reply code",
    ["stage", "class"],
  );
  readonly #settled = this.#counter("recipients_total", "Recipients by what an attempt led to", ["result"]);
  readonly #expired = this.#counter("recipients_expired_total", "Recipients given up by age");
  readonly #doubles = this.#counter("recipients_maybe_double_total", "Deliveries that may be doubles");
  readonly #failures = this.#counter("scrape_failures_total", "Scrapes whose gauges could not be measured");
  readonly #lost = this.#gauge("journal_lines_dropped", "Log and trace lines that could not be written", [
    "kind",
  ]);
  readonly #age = new Histogram({
    name: "holdfast_delivery_age_seconds",
    help: "Time from acceptance to delivery",
    buckets: AGES,
    registers: [this.#registry],
  });
  readonly #scans = new Histogram({
    name: "holdfast_scan_seconds",
    help: "Time that scanners took after the last octet of a body, by what they said",
    labelNames: ["scanner", "result"],
    buckets: SCANS,
    registers: [this.#registry],
  });
  readonly #scannersAway = this.#counter("scanner_away_total", "Servers of scanners that were left alone", [
    "scanner",
  ]);
  readonly #queue = this.#gauge("queue_recipients", "Recipients in the queue by state", ["state"]);
  readonly #oldest = this.#gauge(
    "queue_oldest_timestamp_seconds",
    "When the oldest mail of a state was accepted",
    ["state"],
  );
  readonly #primary = this.#gauge("primary_up", "Whether a primary takes mail (the first 1000)", [
    "destination",
  ]);
  readonly #connections = this.#gauge("smtp_connections", "SMTP clients connected");
  readonly #condition = this.#gauge("store_condition", "1 for the condition that the store is in", [
    "condition",
  ]);
  readonly #room = this.#gauge("store_free_bytes", "Bytes free above the reserve");
  readonly #lists = this.#gauge("blocklist_sound", "Whether a list of clients passed its last test", [
    "zone",
  ]);
  readonly #loopLag = this.#gauge("main_loop_lag_seconds", "99th percentile since the last scrape");

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    this.#lag.enable();
  }

  count(event: JournalEvent): void {
    switch (event.kind) {
      case "mail.accepted":
        this.#accepted.inc();
        this.#acceptedBytes.inc(event.size);
        return this.#settled.inc({ result: "accepted" }, event.recipients.length);
      case "mail.delivered":
        if (event.age !== undefined) this.#age.observe(event.age / 1000);
        if (event.maybeDouble === true) this.#doubles.inc();
        return this.#settled.inc({ result: "delivered" });
      case "mail.deferred":
      case "mail.parked":
      case "mail.held":
      case "mail.unconfirmed":
        return this.#settled.inc({ result: event.kind.slice("mail.".length) });
      case "client.refused":
        return this.#refused.inc({ stage: event.stage, class: event.reply.code >= 500 ? "5xx" : "4xx" });
      case "scanner.judged":
        return this.#scans.observe({ scanner: event.scanner, result: event.result }, event.took / 1000);
      case "scanner.away":
        return this.#scannersAway.inc({ scanner: event.scanner });
      case "queue.expired":
        return this.#expired.inc(event.recipients);
      default:
    }
  }

  /** Prometheus text format. Where the gauges cannot be measured, the counters are still told. */
  async text(measure: () => Promise<Gauges>, dropped: Readonly<Record<string, number>>): Promise<string> {
    try {
      this.#fill(await measure());
    } catch {
      this.#failures.inc();
    }
    for (const [kind, count] of Object.entries(dropped)) this.#lost.set({ kind }, count);
    // What is measured contains the pause between two looks.
    this.#loopLag.set(Math.max(0, this.#lag.percentile(99) / 1e9 - LAG_RESOLUTION / 1000));
    this.#lag.reset();
    return this.#registry.metrics();
  }

  stop(): void {
    this.#lag.disable();
    this.#registry.clear();
  }

  #fill({ queue, primaries, connections, condition, room, lists }: Gauges): void {
    for (const state of OPEN_STATES)
      this.#fillState(
        state,
        queue.filter((count) => count.state === state),
      );
    this.#primary.reset();
    for (const { destination, state } of primaries.slice(0, MAX_PRIMARIES))
      this.#primary.set({ destination }, state === "up" ? 1 : 0);
    for (const name of CONDITIONS) this.#condition.set({ condition: name }, name === condition ? 1 : 0);
    this.#connections.set(connections);
    this.#room.set(room);
    this.#lists.reset();
    for (const { zone, state } of lists) this.#lists.set({ zone }, state === "sound" ? 1 : 0);
  }

  #fillState(state: State, counts: readonly QueueCount[]): void {
    const held = counts.filter((count) => count.recipients > 0);
    this.#queue.set(
      { state },
      held.reduce((sum, count) => sum + count.recipients, 0),
    );
    this.#oldest.remove({ state });
    if (held.length > 0) this.#oldest.set({ state }, Math.min(...held.map((count) => count.oldest)) / 1000);
  }

  #counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({
      name: `holdfast_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({
      name: `holdfast_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
    });
  }
}
