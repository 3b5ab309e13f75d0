import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { JournalSink, type Gauges } from "../../../../src/adapters/journal/journal.ts";
import { journalTo } from "../../../../src/adapters/journal/remote.ts";
import type { KnownPrimaries } from "../../../../src/ports/health.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { waitFor } from "../../../support/wait.ts";
import { tempFolder } from "../../../support/temp-folder.ts";

const DOOR = new URL("../../../../src/adapters/journal/journal.ts", import.meta.url).href;

const ACCEPTED = {
  kind: "mail.accepted",
  id: "01k9zq3v5x0abcde",
  sender: "bob@sender.example",
  recipients: ["alice@example.com", "carol@example.com"],
  ip: "192.0.2.1",
  helo: "mail.sender.example",
  size: 2048,
} as const satisfies JournalEvent;

const KNOWN = {
  connections: 7,
  condition: "full",
  room: 4096,
  lists: [{ zone: "bl.test", state: "sick", since: 1, why: "no answer" }],
  certificates: [{ file: "/etc/mx.pem", expiresAt: 5000 }],
} as const satisfies Partial<Gauges>;

const QUEUE: Awaited<Gauges["queue"]> = {
  counts: [
    { domain: "example.com", state: "waiting", recipients: 3, oldest: 1_000_000 },
    { domain: "other.example", state: "waiting", recipients: 2, oldest: 500_000 },
    { domain: "other.example", state: "gone", recipients: 99, oldest: 1 },
  ],
  quarantined: { recipients: 3, oldest: 5 },
};

/** What other threads tell; those of `silent` tell nothing. */
function gauges(
  { primaries = [], noPrimaries }: Partial<KnownPrimaries> = {},
  silent: Partial<Gauges> = {},
): Gauges {
  return {
    ...KNOWN,
    queue: Promise.resolve(QUEUE),
    primaries: Promise.resolve({ primaries, ...(noPrimaries !== undefined && { noPrimaries }) }),
    delays: Promise.resolve(new Map([["smtp-1", { p99: 3, max: 40 }]])),
    ...silent,
  };
}

function linesOf(file: string): Record<string, unknown>[] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("one event is one JSON line, with time, event and fields", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "info", clock: new ManualClock() });
  sink.record(ACCEPTED);
  sink.record({
    kind: "client.refused",
    ip: "192.0.2.9",
    stage: "rcpt",
    reply: { code: 550, enhanced: "5.1.1", text: "no such user" },
  });
  sink.log.debug("not this", {});
  sink.log.warn("something odd", { level: "fake", event: "fake", time: "fake", count: 1 });
  await sink.stop();
  const { kind: _kind, ...fields } = ACCEPTED;
  const time = "2026-01-01T00:00:00.000Z";
  assert.deepEqual(linesOf(file), [
    { level: "info", time, event: "mail.accepted", ...fields },
    {
      level: "info",
      time,
      event: "client.refused",
      ip: "192.0.2.9",
      stage: "rcpt",
      reply: "550 5.1.1 no such user",
    },
    { level: "warn", time, event: "something odd", count: 1 },
  ]);
});

test("hostile strings are written to the log sanitized and bounded", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "info", clock: new ManualClock() });
  const hostile = 'x\r\n{"level":"info"}\u001b]0;title\u0007\u202eevil\u0085\u2028';
  const recipients = Array.from({ length: 1000 }, () => hostile);
  sink.record({ ...ACCEPTED, helo: hostile, sender: "y".repeat(100_000), recipients });
  sink.log.info(hostile, { [hostile]: hostile });
  await sink.stop();
  const raw = readFileSync(file, "utf8");
  assert.equal(raw.split("\n").length, 3);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  assert.equal(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]/.test(raw), false);
  assert.ok(raw.length < 10_000);
});

test("all recorded events are in the file after stop, even at a high rate", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "info", clock: new ManualClock() });
  for (let i = 0; i < 20_000; i++) sink.record(ACCEPTED);
  await sink.stop();
  assert.equal(linesOf(file).length, 20_000);
});

test("a renamed log is reopened; a log that cannot be opened is an error with its name", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const clock = new ManualClock();
  const sink = new JournalSink({ file, level: "info", clock });
  const wait = { what: "the log file", deadline: 20_000, every: 5 };
  sink.log.info("one");
  await waitFor(wait, () => linesOf(file).length === 1);
  sink.log.info("two");
  renameSync(file, `${file}.1`);
  sink.reopen();
  await waitFor(wait, () => existsSync(file));
  sink.log.info("three");
  await sink.stop();
  assert.doesNotThrow(() => sink.record(ACCEPTED), "after its end");
  const [before, after] = [linesOf(`${file}.1`), linesOf(file)];
  assert.deepEqual(
    [...before, ...after].map((line) => line["event"]),
    ["one", "two", "three"],
  );
  assert.deepEqual([before[0]?.["event"], after.at(-1)?.["event"]], ["one", "three"]);
  const lost = join(folder.path, "no", "such", "folder.log");
  assert.throws(() => new JournalSink({ file: lost, level: "info", clock }), { name: "CannotWriteLog" });
});

test("if the log cannot be reopened, the old file says so", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "info", clock: new ManualClock() });
  const wait = { what: "its line", deadline: 20_000, every: 5 };
  sink.log.info("one");
  await waitFor(wait, () => linesOf(file).length === 1);
  renameSync(file, `${file}.1`);
  mkdirSync(file);
  sink.reopen();
  await waitFor(wait, () => linesOf(`${file}.1`).length === 2);
  const { event, level, why } = linesOf(`${file}.1`)[1] ?? {};
  assert.deepEqual([event, level], ["log.notReopened", "error"]);
  assert.match(String(why), /^EISDIR/);
  await sink.stop();
});

test("events of other threads arrive in batches, with their own time", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const clock = new ManualClock();
  const sink = new JournalSink({ file, level: "info", clock });
  const heard: string[] = [];
  const arrived = Promise.withResolvers<void>();
  sink.subscribe((event, at) => {
    heard.push(`${event.kind} ${at - clock.now()}`);
    if (heard.length === 200) arrived.resolve();
  });
  const { port1, port2 } = new MessageChannel();
  sink.connect(port1);
  const remoteClock = new ManualClock(clock.now() - 5);
  const remote = journalTo(port2, remoteClock);
  remote.log.error("thread trouble", { run: () => 1, error: new Error("bad") });
  for (let i = 0; i < 199; i++) remote.journal.record(ACCEPTED);
  // A function cannot travel; the others must not be lost with it.
  remote.journal.record({ ...ACCEPTED, notes: [(() => 1) as unknown as string] });

  remote.journal.record(ACCEPTED);
  assert.equal(heard.length, 0);
  remoteClock.advance(20);
  port1.ref();
  await arrived.promise;
  await sink.stop();
  assert.equal(heard[0], "mail.accepted -5");
  const [first] = linesOf(file);
  assert.deepEqual([first?.["event"], first?.["error"]], ["thread trouble", "bad"]);
});

test("metrics have counters and gauges; gauges that cannot be measured do not hide the counters", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "error", clock: new ManualClock() });
  sink.record(ACCEPTED);
  sink.record({ kind: "client.refused", ip: "192.0.2.9", stage: "rcpt", reply: { code: 450, text: "" } });
  const step = { id: "x", recipient: "a@b.example", domain: "b.example" };
  sink.record({ kind: "mail.delivered", ...step, age: 1500, maybeDouble: true });
  sink.record({ kind: "mail.parked", ...step });
  sink.record({ ...ACCEPTED, quarantine: "spam" });
  const scan = { kind: "scanner.judged", id: "x", scanner: "clamav" } as const;
  sink.record({ ...scan, result: "found", what: "virus X", took: 30 });
  sink.record({ kind: "scanner.away", scanner: "clamav", server: "/s", why: "refused" });
  const many = Array.from({ length: 1500 }, (_, i) => ({
    destination: `mail${i}.example:25`,
    domains: [],
    state: i === 0 ? ("up" as const) : ("down" as const),
    since: 0,
    connections: 0,
  }));
  const text = await sink.metrics(gauges({ primaries: many }));
  for (const line of [
    "holdfast_mails_accepted_total 2",
    "holdfast_accepted_bytes_total 4096",
    "holdfast_mails_quarantined_total 1",
    "holdfast_quarantine_recipients 3",
    'holdfast_scan_seconds_count{scanner="clamav",result="found"} 1',
    'holdfast_scanner_away_total{scanner="clamav"} 1',
    'holdfast_recipients_total{result="accepted"} 4',
    'holdfast_recipients_total{result="delivered"} 1',
    'holdfast_recipients_total{result="parked"} 1',
    "holdfast_recipients_maybe_double_total 1",
    'holdfast_clients_refused_total{stage="rcpt",class="4xx"} 1',
    'holdfast_delivery_age_seconds_bucket{le="2"} 1',
    'holdfast_queue_recipients{state="waiting"} 5',
    'holdfast_queue_recipients{state="held"} 0',
    'holdfast_queue_oldest_timestamp_seconds{state="waiting"} 500',
    'holdfast_primary_up{destination="mail0.example:25"} 1',
    "holdfast_smtp_connections 7",
    'holdfast_store_condition{condition="full"} 1',
    'holdfast_store_condition{condition="ok"} 0',
    "holdfast_store_free_bytes 4096",
  ])
    assert.ok(text.split("\n").includes(line), line);
  assert.equal(text.match(/^holdfast_primary_up\{/gm)?.length, 1000);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
  assert.match(text, /^holdfast_event_loop_delay_seconds\{thread="main",quantile="1"\} /m);
  assert.match(text, /^holdfast_event_loop_delay_seconds\{thread="smtp-1",quantile="0.99"\} 0.003$/m);
  assert.match(text, /^holdfast_event_loop_delay_seconds\{thread="smtp-1",quantile="1"\} 0.04$/m);
  assert.match(text, /^holdfast_certificate_expiry_timestamp_seconds\{file="\/etc\/mx.pem"\} 5$/m);
  const page = readFileSync(new URL("../../../../docs/api.md", import.meta.url), "utf8");
  for (const [, name = ""] of text.matchAll(/^# TYPE (holdfast_\w+)/gm))
    assert.ok(page.includes(`\`${name}\``), name);
  await sink.stop();
});

test("blocklists and certificates that are no longer used have no metrics", async () => {
  const sink = new JournalSink({ level: "error", clock: new ManualClock() });
  const shown = async (given: Gauges): Promise<number | undefined> =>
    (await sink.metrics(given)).match(/^holdfast_(blocklist_sound|certificate_expiry_timestamp_seconds)\{/gm)
      ?.length;
  assert.equal(await shown(gauges()), 2);
  assert.equal(await shown({ ...gauges(), lists: [], certificates: [] }), undefined);
  await sink.stop();
});

test("a value that cannot be measured is left out of the metrics and hides nothing else", async () => {
  const sink = new JournalSink({ level: "error", clock: new ManualClock() });
  const up = { destination: "p:25", domains: [], state: "up" as const, since: 0, connections: 0 };
  const fails = <T>(): Promise<T> => Promise.reject(new Error("the other thread has ended"));
  const measured: readonly (readonly [shown: RegExp, without: Gauges])[] = [
    [/^holdfast_(queue|quarantine)_.+/gm, gauges({ primaries: [up] }, { queue: fails() })],
    [/^holdfast_primary_up\{.+/gm, gauges({}, { primaries: fails() })],
    [/^holdfast_primary_up\{.+/gm, gauges({ noPrimaries: "it hangs" })],
    [
      /^holdfast_event_loop_delay_seconds\{thread="smtp-.+/gm,
      gauges({ primaries: [up] }, { delays: fails() }),
    ],
  ];
  const every = new RegExp(measured.map(([{ source }]) => source).join("|"), "gm");
  for (const [n, [shown, without]] of measured.entries()) {
    const before = (await sink.metrics(gauges({ primaries: [up] }))).match(every) ?? [];
    const text = await sink.metrics({ ...without, condition: "sick" });
    assert.match(text, new RegExp(`^holdfast_scrape_failures_total ${n + 1}$`, "m"));
    assert.match(text, /^holdfast_store_condition\{condition="sick"\} 1$/m);
    assert.match(text, /^holdfast_store_condition\{condition="full"\} 0$/m);
    assert.equal(text.match(shown), null);
    const left = before.filter((line) => line.match(shown) === null);
    assert.ok(left.length > 0 && left.length < before.length);
    assert.deepEqual(text.match(every), left);
  }
  await sink.stop();
});

test("a scrape of the metrics does not wait for threads that do not answer", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const sink = new JournalSink({ level: "error", clock: new ManualClock() });
  sink.record(ACCEPTED);
  sink.record({ kind: "thread.silent", thread: "delivery", silence: 60_000 });
  const hangs = <T>(): Promise<T> => new Promise<T>(() => undefined);
  const scrape = sink.metrics(gauges({}, { queue: hangs(), primaries: hangs(), delays: hangs() }));
  mock.timers.tick(5000);
  const text = await scrape;
  assert.match(text, /^holdfast_scrape_failures_total 1$/m);
  assert.match(text, /^holdfast_mails_accepted_total 1$/m);
  assert.match(text, /^holdfast_thread_silent_total\{thread="delivery"\} 1$/m);
  assert.match(text, /^holdfast_smtp_connections 7$/m);
  assert.doesNotMatch(text, /^holdfast_(queue|quarantine|primary)_/m);
  mock.timers.reset();
  await sink.stop();
});

test("all lines are on standard output after stop, even if it is a slow pipe", () => {
  const script = `
    const { JournalSink } = await import(${JSON.stringify(DOOR)});
    const clock = { now: () => 0, after: () => ({ cancel() {} }) };
    const sink = new JournalSink({ level: "info", clock });
    for (let i = 0; i < 5000; i++) sink.log.info("line", { i });
    await sink.stop();
    process.exit(0);`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  assert.equal(stdout.split("\n").length, 5001, stderr);
});

test("the log level also applies to events", async () => {
  await using folder = await tempFolder();
  const file = join(folder.path, "holdfast.log");
  const sink = new JournalSink({ file, level: "error", clock: new ManualClock() });
  sink.record(ACCEPTED);
  sink.record({ kind: "store.condition", condition: "ok", why: "space again" });
  sink.record({ kind: "store.condition", condition: "sick", why: "EIO" });
  await sink.stop();
  assert.deepEqual(
    linesOf(file).map((line) => line["condition"]),
    ["sick"],
  );
});
