import assert from "node:assert/strict";
import { test } from "node:test";
import { TraceBuffer, traceLine } from "../../../../src/adapters/journal/trace-lines.ts";
import type { JournalEvent, TraceLine, TraceWriter } from "../../../../src/ports/journal.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

const ACCEPTED: JournalEvent = {
  kind: "mail.accepted",
  id: "01k9zq3v5x0abcde",
  sender: "Bob@sender.example",
  recipients: ["Alice@example.com"],
  ip: "192.0.2.1",
  helo: "mail.sender.example",
  size: 12_288,
  messageId: "<A1@sender.example>",
  notes: ["bare newlines normalised"],
};

function delivered(change: object = {}): JournalEvent {
  return {
    kind: "mail.delivered",
    id: "01k9zq3v5x0abcde",
    recipient: "alice@example.com",
    domain: "example.com",
    destination: "mail.example.com:25",
    reply: { code: 250, enhanced: "2.0.0", text: "queued as 4711" },
    age: 11_520_000,
    ...change,
  };
}

class MemoryTrace implements TraceWriter {
  readonly batches: (readonly TraceLine[])[] = [];
  append(lines: readonly TraceLine[]): void {
    this.batches.push(lines);
  }
  trim(): number {
    return 0;
  }
  close(): void {}
}

class BrokenTrace extends MemoryTrace {
  override append(): never {
    throw new Error("disk");
  }
}

test("an accepted mail is found by sender, recipient and Message-ID", () => {
  const line = traceLine(ACCEPTED, 5);
  assert.deepEqual(line?.keys, ["bob@sender.example", "alice@example.com", "a1@sender.example"]);
  assert.equal(
    line?.text,
    "accepted from <Bob@sender.example> for Alice@example.com, 12 KiB, client 192.0.2.1 (mail.sender.example); bare newlines normalised",
  );
});

function text(event: JournalEvent): string | undefined {
  return traceLine(event, 1000)?.text;
}

test("each step of a recipient is one sentence", () => {
  assert.equal(
    text(delivered()),
    "alice@example.com delivered to mail.example.com:25 after 3 h 12 min: 250 2.0.0 queued as 4711",
  );
  assert.match(text(delivered({ maybeDouble: true })) ?? "", /may be a double, a reply was lost before$/);
  const deferred = {
    kind: "mail.deferred",
    reply: { code: 450, text: "later" },
    age: undefined,
    dueAt: 61_000,
  };
  assert.equal(
    text(delivered(deferred)),
    "alice@example.com deferred at mail.example.com:25: 450 later; next attempt in 1 min",
  );
  const parked = {
    kind: "mail.parked",
    why: "expired",
    reply: undefined,
    age: undefined,
    destination: undefined,
  };
  assert.equal(text(delivered(parked)), "alice@example.com parked: expired");
});

test("what a stranger says is one line without control characters", () => {
  const helo = "evil\r\n250 ok\u001b[2J\u202e";
  assert.match(traceLine({ ...ACCEPTED, helo }, 5)?.text ?? "", /client 192\.0\.2\.1 \(evil 250 ok \[2J \)/);
});

test("refusals are found by sender and recipient; those of nobody leave no line", () => {
  const refused: JournalEvent = {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    reply: { code: 550, enhanced: "5.1.1", text: "no such user" },
    sender: "bob@sender.example",
    recipient: "nobody@example.com",
  };
  assert.deepEqual(traceLine(refused, 5)?.keys, ["bob@sender.example", "nobody@example.com"]);
  assert.match(
    traceLine(refused, 5)?.text ?? "",
    /^refused at RCPT: 550 5\.1\.1 no such user; client 192\.0\.2\.1/,
  );
  const { sender: _sender, recipient: _recipient, ...nobody } = refused;
  assert.equal(traceLine(nobody, 5), undefined);
});

test("an act on one mail is traced, on many it is not", () => {
  const act = { kind: "operator.acted", verb: "hold", who: "socket", what: "id x", count: 1 } as const;
  assert.equal(traceLine({ ...act, id: "x" }, 5)?.text, "hold, asked for by socket");
  assert.equal(traceLine(act, 5), undefined);
});

test("lines are appended after 100 ms, or 500 at a time", () => {
  const clock = new ManualClock();
  const trace = new MemoryTrace();
  const buffer = new TraceBuffer(clock, trace);
  buffer.add(ACCEPTED, 1);
  buffer.add(delivered(), 2);
  assert.equal(trace.batches.length, 0);
  clock.advance(100);
  assert.deepEqual(
    trace.batches.map((batch) => batch.length),
    [2],
  );
  for (let i = 0; i < 501; i++) buffer.add(delivered(), i);
  assert.equal(trace.batches[1]?.length, 500);
  clock.advance(100);
  assert.equal(trace.batches[2]?.length, 1);
});

test("lines wait for a writer that comes later, bounded; a broken writer costs its lines only", () => {
  const clock = new ManualClock();
  const buffer = new TraceBuffer(clock, undefined);
  for (let i = 0; i < 20_500; i++) buffer.add(delivered(), i);
  buffer.flush();
  const trace = new MemoryTrace();
  buffer.writeTo(trace);
  assert.equal(buffer.dropped + trace.batches.flat().length, 20_500);
  assert.ok(trace.batches.flat().length >= 20_000 && trace.batches.every((batch) => batch.length <= 500));
  assert.equal(trace.batches.flat().at(-1)?.at, 20_499);
  const before = buffer.dropped;
  buffer.writeTo(new BrokenTrace());
  buffer.add(delivered(), 1);
  buffer.flush();
  assert.equal(buffer.dropped, before + 1);
});

test("a flood of refusals does not push out what happened to mail", () => {
  const trace = new MemoryTrace();
  const buffer = new TraceBuffer(new ManualClock(), trace);
  const refused = {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    recipient: "x@example.com",
  } as const;
  const event: JournalEvent = { ...refused, reply: { code: 550, text: "no" } };
  for (let i = 0; i < 1000; i++) buffer.add(event, 1000);
  buffer.add(event, 2000);
  buffer.flush();
  assert.equal(trace.batches.flat().length, 21);
});

test("notices: who is told what, and what became of the notice", () => {
  const about = { id: "m1", sender: "Ann@friend.test", recipients: ["bob@one.test"] };
  const written = { kind: "notice.written", ...about, notice: "n1", about: "failed" } as const;
  assert.equal(text(written), "<Ann@friend.test> is told of the refusal for bob@one.test: notice n1");
  assert.deepEqual(traceLine(written, 1)?.keys, ["ann@friend.test", "bob@one.test"]);
  const recipients = ["bob@one.test", "eve@one.test"];
  const why = "it came over a mailing list";
  const silence = {
    kind: "notice.withheld",
    ...about,
    recipients,
    domain: "one.test",
    about: "expired",
    why,
  };
  assert.equal(
    text({ ...silence, operators: false } as JournalEvent),
    "<Ann@friend.test> is not told of the end of all attempts for 2 recipients: it came over a mailing list",
  );
  const notice = { id: "n1", to: "ann@friend.test", destination: "smart.test:587" };
  const reply = { code: 451, enhanced: "4.3.2", text: "later" };
  assert.equal(
    text({ kind: "notice.deferred", ...notice, reply, dueAt: 301_000 }),
    "notice to ann@friend.test deferred at smart.test:587: 451 4.3.2 later; next attempt in 5 min",
  );
  assert.equal(text({ kind: "notice.sent", ...notice }), "notice to ann@friend.test sent at smart.test:587");
});
