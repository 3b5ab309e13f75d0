import assert from "node:assert/strict";
import { test } from "node:test";
import { alertFor } from "../../../../src/adapters/alerts/alerts.ts";
import { levelOf } from "../../../../src/adapters/journal/log-lines.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";

const PRIMARY = { destination: "mail.one.test:25", domains: ["one.test"], why: "w" };
const PROBATION = { destination: "mail.one.test:25", domain: "one.test", held: 1 };
const HELD = { kind: "mail.held", id: "x", recipient: "a@one.test", domain: "one.test", why: "w" } as const;
const WITHHELD = {
  kind: "notice.withheld",
  id: "x",
  sender: "s@y.test",
  recipients: ["a@one.test"],
  domain: "one.test",
  about: "failed",
  why: "w",
} as const;

const TROUBLES: readonly JournalEvent[] = [
  { kind: "primary.down", ...PRIMARY, held: 1 },
  { kind: "primary.loop", ...PRIMARY },
  { kind: "primary.weakened", ...PRIMARY },
  { kind: "primary.slow", ...PRIMARY },
  { kind: "probation.stopped", ...PROBATION, why: "w" },
  { ...HELD, reason: "unconfirmed" },
  { ...HELD, reason: "damaged" },
  { ...WITHHELD, operators: true },
  { kind: "scanner.away", scanner: "clamav", server: "s", why: "w" },
  { kind: "store.condition", condition: "full", why: "w" },
  { kind: "store.checked", findings: ["f"], took: 1 },
  { kind: "thread.silent", thread: "storage", silence: 1 },
  { kind: "queue.oldest", domain: "one.test", age: 1, recipients: 1 },
  { kind: "queue.expiring", domain: "one.test", share: 0.9, recipients: 1 },
  { kind: "queue.deleted", recipients: 1 },
  { kind: "clock.set", by: 2 * 86_400_000 },
  { kind: "quarantine.unread", recipients: 1, age: 1, left: 1 },
  { kind: "parked.unread", recipients: 1, age: 1, left: 1 },
  { kind: "quota.reached", domain: "one.test", messages: 1, bytes: 1 },
  { kind: "recipients.stuck", domain: "one.test", why: "w" },
  { kind: "certificate.stuck", file: "/etc/mx.pem", why: "w", expiresAt: 1 },
  { kind: "blocklist.listsUs", zone: "z", ip: "192.0.2.1" },
];

test("events that cause an alert of trouble are logged above level info", () => {
  for (const event of TROUBLES) {
    assert.notEqual(alertFor(event, 0), undefined, event.kind);
    assert.match(levelOf(event), /^(?:warn|error)$/, event.kind);
  }
});

test("a reload with warnings or with keys that need a restart is logged as a warning", () => {
  const quiet = { generation: 2, added: [], changed: [], draining: [], removed: [] };
  const level = (more: object) => levelOf({ kind: "config.reloaded", ...quiet, ...more });
  assert.equal(level({ restart: [], warnings: [] }), "info");
  assert.equal(level({ restart: ["hostname"] }), "warn");
  assert.equal(level({ warnings: ["w"] }), "warn");
});

test("events of normal operation are logged at level info or below", () => {
  const everyday: readonly JournalEvent[] = [
    { kind: "primary.up", destination: "mail.one.test:25", domains: [], outage: 1, held: 0 },
    { kind: "probation.passed", ...PROBATION },
    { ...HELD, reason: "quarantine" },
    { ...WITHHELD, operators: false },
    { kind: "store.condition", condition: "ok", why: "w" },
    { kind: "store.checked", findings: [], took: 1 },
    { kind: "thread.answers", thread: "storage", silence: 1 },
  ];
  for (const event of everyday) assert.equal(levelOf(event), "info", event.kind);
});
