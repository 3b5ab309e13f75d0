/** The metrics for Prometheus. Every label has a bounded set of values. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ListStatus } from "../../ports/blocklist.ts";
import type { KnownPrimaries } from "../../ports/health.ts";
import type { JournalEvent } from "../../ports/journal.ts";
import type { Quarantined, QueueCount } from "../../ports/operator.ts";
import type { RecipientState } from "../../ports/recipient-state.ts";
import type { StoreCondition } from "../../ports/store-condition.ts";
import { type LoopDelay, LoopWatch } from "../../runtime/loop-delay.ts";
import { within } from "../../runtime/within.ts";

/** Values that are measured for each scrape. */
export interface Gauges extends KnownGauges {
  readonly queue: Promise<QueueGauges>;
  readonly primaries: Promise<KnownPrimaries>;
  /** Delays of the event loops of the other threads, by the thread's name. */
  readonly delays: Promise<ReadonlyMap<string, LoopDelay>>;
}

/** Values that the main thread always knows, so that they are answered while other threads hang. */
interface KnownGauges {
  /** SMTP clients connected. */
  readonly connections: number;
  readonly condition: StoreCondition;
  /** Bytes free above the reserve. */
  readonly room: number;
  readonly lists: readonly ListStatus[];
  /** Certificates of the SMTP listeners; `expiresAt` in ms since 1970. */
  readonly certificates: readonly { readonly file: string; readonly expiresAt: number }[];
}

interface QueueGauges {
  readonly counts: readonly QueueCount[];
  readonly quarantined: Quarantined;
}

const CONDITIONS: readonly StoreCondition[] = ["ok", "full", "sick"];
const OPEN_STATES: readonly RecipientState[] = ["waiting", "claimed", "unconfirmed", "held", "parked"];
const MAX_PRIMARIES = 1000;
/** Buckets of the delivery age, in seconds, up to a month. */
const AGES = [1, 2, 5, 15, 60, 300, 1800, 3600, 14_400, 86_400, 604_800, 2_592_000];
/** Buckets of the scan time, in seconds. */
const SCANS = [0.005, 0.02, 0.1, 0.5, 2, 5, 10, 20];
/** Ms that other threads have to answer; by default, Prometheus gives up a scrape after 10 s. */
const TO_MEASURE = 5000;

/** Resolves with the value, or with undefined if it fails or takes longer than TO_MEASURE. */
async function told<T>(value: Promise<T>): Promise<T | undefined> {
  const answer = await within(TO_MEASURE, value).catch(() => undefined);
  return answer === "late" ? undefined : answer;
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #watch = new LoopWatch();
  readonly #accepted = this.#counter("mails_accepted_total", "Mails stored durably and answered with 250");
  readonly #acceptedBytes = this.#counter("accepted_bytes_total", "Octets of accepted mail");
  readonly #refused = this.#counter(
    "clients_refused_total",
    "Refusals by stage and class of the reply code",
    ["stage", "class"],
  );
  readonly #settled = this.#counter("recipients_total", "Recipients by what an attempt led to", ["result"]);
  readonly #asked = this.#counter("callouts_total", "Questions to primaries whether a mailbox exists", [
    "result",
  ]);
  readonly #expired = this.#counter("recipients_expired_total", "Recipients given up by age");
  readonly #notices = this.#counter("notices_total", "Notices to senders by what became of them", ["result"]);
  readonly #doubles = this.#counter("recipients_maybe_double_total", "Deliveries that may be doubles");
  readonly #failures = this.#counter(
    "scrape_failures_total",
    "Scrapes in which some gauges could not be measured",
  );
  readonly #lost = this.#gauge("journal_lines_dropped", "Log and trace lines that could not be written", [
    "kind",
  ]);
  readonly #age = new Histogram({
    name: "holdfast_delivery_age_seconds",
    help: "Time from acceptance to delivery",
    buckets: AGES,
    registers: [this.#registry],
  });
  readonly #quarantined = this.#counter(
    "mails_quarantined_total",
    "Mails that were accepted and quarantined",
  );
  readonly #inQuarantine = this.#gauge("quarantine_recipients", "Recipients whose mail is in quarantine");
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
  readonly #silences = this.#counter(
    "thread_silent_total",
    "Times that a thread did not answer for a minute",
    ["thread"],
  );
  readonly #queue = this.#gauge("queue_recipients", "Recipients in the queue by state", ["state"]);
  readonly #oldest = this.#gauge(
    "queue_oldest_timestamp_seconds",
    "When the oldest mail of a state was accepted",
    ["state"],
  );
  readonly #primary = this.#gauge("primary_up", "Whether a primary accepts mail (the first 1000)", [
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
  readonly #delay = this.#gauge(
    "event_loop_delay_seconds",
    "How late the event loop of a thread was since the last scrape, at the 99th percentile and at most",
    ["thread", "quantile"],
  );
  readonly #certificates = this.#gauge(
    "certificate_expiry_timestamp_seconds",
    "When a certificate of the SMTP side ends",
    ["file"],
  );

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  count(event: JournalEvent): void {
    switch (event.kind) {
      case "mail.accepted":
        this.#accepted.inc();
        this.#acceptedBytes.inc(event.size);
        if (event.quarantine !== undefined) this.#quarantined.inc();
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
      case "notice.written":
      case "notice.withheld":
      case "notice.sent":
      case "notice.deferred":
      case "notice.dropped":
        return this.#notices.inc({ result: event.kind.slice("notice.".length) });
      case "client.refused":
        return this.#refused.inc({ stage: event.stage, class: event.reply.code >= 500 ? "5xx" : "4xx" });
      case "scanner.judged":
        return this.#scans.observe({ scanner: event.scanner, result: event.result }, event.took / 1000);
      case "scanner.away":
        return this.#scannersAway.inc({ scanner: event.scanner });
      case "thread.silent":
        return this.#silences.inc({ thread: event.thread });
      case "recipient.asked":
        return this.#asked.inc({ result: event.result });
      case "queue.expired":
        return this.#expired.inc(event.recipients);
      default:
    }
  }

  /**
   * Returns the Prometheus text format. If another thread does not answer in time, its gauges are left out, because
   * their last values may be wrong by now.
   */
  async text(gauges: Gauges, dropped: Readonly<Record<string, number>>): Promise<string> {
    this.#fillKnown(gauges);
    const [queue, primaries, delays] = await Promise.all([
      told(gauges.queue),
      told(gauges.primaries),
      told(gauges.delays),
    ]);
    this.#fillQueue(queue);
    this.#fillPrimaries(primaries);
    this.#fillDelays(delays);
    const known = primaries !== undefined && primaries.noPrimaries === undefined;
    if (queue === undefined || delays === undefined || !known) this.#failures.inc();
    for (const [kind, count] of Object.entries(dropped)) this.#lost.set({ kind }, count);
    return this.#registry.metrics();
  }

  stop(): void {
    this.#watch.stop();
    this.#registry.clear();
  }

  #fillKnown({ connections, condition, room, lists, certificates }: KnownGauges): void {
    for (const name of CONDITIONS) this.#condition.set({ condition: name }, name === condition ? 1 : 0);
    this.#connections.set(connections);
    this.#room.set(room);
    this.#lists.reset();
    for (const { zone, state } of lists) this.#lists.set({ zone }, state === "sound" ? 1 : 0);
    this.#certificates.reset();
    for (const { file, expiresAt } of certificates) this.#certificates.set({ file }, expiresAt / 1000);
  }

  #fillQueue(queue: QueueGauges | undefined): void {
    this.#queue.reset();
    this.#oldest.reset();
    // reset() would set it to 0.
    this.#inQuarantine.remove();
    if (queue === undefined) return;
    for (const state of OPEN_STATES)
      this.#fillState(
        state,
        queue.counts.filter((count) => count.state === state),
      );
    this.#inQuarantine.set(queue.quarantined.recipients);
  }

  #fillPrimaries(known: KnownPrimaries | undefined): void {
    this.#primary.reset();
    for (const { destination, state } of known?.primaries.slice(0, MAX_PRIMARIES) ?? [])
      this.#primary.set({ destination }, state === "up" ? 1 : 0);
  }

  #fillDelays(delays: ReadonlyMap<string, LoopDelay> | undefined): void {
    this.#delay.reset();
    for (const [thread, delay] of delays ?? []) this.#setDelay(thread, delay);
    this.#setDelay("main", this.#watch.take());
  }

  #setDelay(thread: string, { p99, max }: LoopDelay): void {
    this.#delay.set({ thread, quantile: "0.99" }, p99 / 1000);
    this.#delay.set({ thread, quantile: "1" }, max / 1000);
  }

  #fillState(state: RecipientState, counts: readonly QueueCount[]): void {
    const held = counts.filter((count) => count.recipients > 0);
    this.#queue.set(
      { state },
      held.reduce((sum, count) => sum + count.recipients, 0),
    );
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
