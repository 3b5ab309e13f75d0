import assert from "node:assert/strict";
import { test } from "node:test";
import { traceLine } from "../../../../src/adapters/journal/trace-lines.ts";
import { traceKeys, type TracedEvent } from "../../../../src/ports/trace.ts";

const ACCEPTED: TracedEvent = {
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

function delivered(change: object = {}): TracedEvent {
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

test("an accepted mail is one sentence of the trace", () => {
  assert.equal(
    text(ACCEPTED),
    "accepted from <Bob@sender.example> for Alice@example.com, 12 KiB, client 192.0.2.1 (mail.sender.example); bare newlines normalised",
  );
});

function text(event: TracedEvent): string {
  return traceLine({ at: 1000, event }).text;
}

test("each step of a recipient is one sentence of the trace", () => {
  assert.equal(
    text(delivered()),
    "alice@example.com delivered to mail.example.com:25 after 3 h 12 min: 250 2.0.0 queued as 4711",
  );
  assert.match(
    text(delivered({ maybeDouble: true })) ?? "",
    /possibly a duplicate, because an earlier reply was lost$/,
  );
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

test("text of a client becomes one line without control characters", () => {
  const helo = "evil\r\n250 ok\u001b[2J\u202e";
  assert.match(text({ ...ACCEPTED, helo }), /client 192\.0\.2\.1 \(evil 250 ok \[2J \)/);
});

test("a refusal belongs to no mail and names the results of the checks", () => {
  const refused: TracedEvent = {
    kind: "client.refused",
    ip: "192.0.2.1",
    stage: "rcpt",
    reply: { code: 550, enhanced: "5.1.1", text: "no such user" },
    sender: "bob@sender.example",
    recipient: "nobody@example.com",
    checks: "[]",
  };
  const said =
    "refused at RCPT: 550 5.1.1 no such user; client 192.0.2.1, from <bob@sender.example> to nobody@example.com";
  const line = { at: 5, id: "-", kind: "client.refused", text: said, checks: "[]" };
  assert.deepEqual(traceLine({ at: 5, event: refused }), line);
});

test("an operator's act on one mail belongs to its id and does not repeat it", () => {
  const act = {
    kind: "operator.acted",
    verb: "hold",
    who: "socket",
    what: "id x",
    count: 1,
    id: "x",
  } as const;
  const line = { at: 5, id: "x", kind: "operator.acted", text: "hold, requested on this machine" };
  assert.deepEqual(traceLine({ at: 5, event: act }), line);
  for (const [what, said] of [
    ["id x to mail2.one.test:25", "to mail2.one.test:25"],
    ["id x, recipient bob@one.test", "recipient bob@one.test"],
    ["id x, recipient bob@one.test to primary", "recipient bob@one.test to primary"],
  ] as const)
    assert.equal(text({ ...act, verb: "reroute", what }), `reroute (${said}), requested on this machine`);
});

test("an operator's act on many mails counts recipients and is found by the addresses that it names", () => {
  const addresses = ["Eve@friend.test"];
  const acted = {
    kind: "operator.acted",
    verb: "hold",
    who: "night",
    what: "sender Eve@friend.test",
  } as const;
  const event = { ...acted, count: 2, addresses };
  const said = "hold (sender Eve@friend.test: 2 recipients), requested with the token night";
  assert.equal(text(event), said);
  assert.deepEqual(traceKeys(event), ["eve@friend.test"]);
});

test("a notice says who is notified of what, or why not, and what became of the notice", () => {
  const about = { id: "m1", sender: "Ann@friend.test", recipients: ["bob@one.test"] };
  const written = { kind: "notice.written", ...about, notice: "n1", about: "failed" } as const;
  assert.equal(text(written), "<Ann@friend.test> is notified of the refusal for bob@one.test: notice n1");
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
    text({ ...silence, operators: false } as TracedEvent),
    "<Ann@friend.test> is not notified of the expiry for 2 recipients: it came over a mailing list",
  );
  const notice = { id: "n1", to: "ann@friend.test", destination: "smart.test:587" };
  const reply = { code: 451, enhanced: "4.3.2", text: "later" };
  assert.equal(
    text({ kind: "notice.deferred", ...notice, reply, dueAt: 301_000 }),
    "notice to ann@friend.test deferred at smart.test:587: 451 4.3.2 later; next attempt in 5 min",
  );
  assert.equal(text({ kind: "notice.sent", ...notice }), "notice to ann@friend.test sent at smart.test:587");
});
