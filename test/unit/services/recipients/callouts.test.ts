import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import type { Outcome } from "../../../../src/mail/outcome.ts";
import type { Reply } from "../../../../src/mail/reply.ts";
import type { DomainRecord } from "../../../../src/ports/directory.ts";
import { DestinationTrouble, type SendResult } from "../../../../src/ports/smtp-client.ts";
import type { ClaimedMail } from "../../../../src/ports/work-store.ts";
import { Callouts, type CalloutWay } from "../../../../src/services/recipients/recipients.ts";
import { FakeDirectory, primaryAt } from "../../../support/fake-directory.ts";
import { FakeSmtpClient, type FakeServer } from "../../../support/fake-smtp-client.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { MemoryJournal } from "../../../support/memory-journal.ts";
import { seededRandom } from "../../../support/random.ts";
import { FakeNotes } from "../../../support/recipient-notes.ts";
import { idle } from "../../../support/settle.ts";

const DAY = 86_400_000;
const OK: Reply = { code: 250, text: "ok" };
const NO: Reply = { code: 550, enhanced: "5.1.1", text: "no such user" };
const TARGET = { host: "p", ip: "192.0.2.1", port: 25, tls: "none" } as const;

let clock: ManualClock;
let memory: FakeNotes;
let journal: MemoryJournal;
let server: FakeServer;
let directory: FakeDirectory;
let client: FakeSmtpClient;
let callouts: Callouts;
let state: { up: boolean; epoch: number; inProbation: boolean; trouble?: DestinationTrouble };

function way(): CalloutWay {
  return {
    name: "p:25",
    epoch: state.epoch,
    inProbation: () => state.inProbation,
    converse: () => (state.trouble === undefined ? client.converse(TARGET) : Promise.reject(state.trouble)),
  };
}

/** The primary has these mailboxes. */
function has(...mailboxes: readonly string[]): void {
  server.onVerify = (address) => (mailboxes.includes(address) ? OK : NO);
}

beforeEach(() => {
  clock = new ManualClock();
  clock.advance(100 * DAY);
  memory = new FakeNotes();
  journal = new MemoryJournal();
  client = new FakeSmtpClient();
  server = client.server("192.0.2.1:25");
  directory = new FakeDirectory();
  directory.set("a.test", [primaryAt("p", 25)]);
  const settings = directory.domain("a.test")?.settings as DomainRecord["settings"];
  directory.set("a.test", [], { settings: { ...settings, catchAll: false, callout: true } });
  state = { up: true, epoch: 1, inProbation: false };
  const random = seededRandom(7);
  callouts = new Callouts({
    directory,
    memory,
    journal,
    clock,
    way: () => (state.up ? way() : undefined),
    random: () => random.below(1_000_000) / 1_000_000,
  });
});

async function ask(address: string, refresh = false): Promise<string> {
  const told: string[] = [];
  void callouts.ask({ domain: "a.test", address, refresh }).then((answer) => {
    told.push(answer.kind === "mute" ? `mute: ${answer.why}` : answer.kind);
  });
  for (let n = 0; n < 60 && told.length === 0; n++) {
    await idle();
    clock.advance(100);
  }
  return told[0] ?? "waits";
}

describe("a question to the primary", () => {
  test("is answered, remembered, and not asked again while the answer is fresh", async () => {
    has("alice@a.test", "postmaster@a.test");
    assert.equal(await ask("alice@a.test"), "accepted");
    assert.equal(await ask("eve@a.test"), "refused");
    const asked = server.asked.length;
    assert.equal(await ask("ALICE@a.test"), "accepted");
    assert.equal(await ask("eve@a.test"), "refused");
    assert.equal(server.asked.length, asked);
    assert.deepEqual(memory.notes, [
      ["alice@a.test", "accepted"],
      ["eve@a.test", "refused"],
    ]);
    clock.advance(2 * 3_600_000);
    assert.equal(await ask("eve@a.test"), "refused");
    assert.equal(server.asked.filter((address) => address === "eve@a.test").length, 2);
  });

  test("is one for all who ask at the same time", async () => {
    has("alice@a.test");
    const both = ["alice@a.test", "Alice@a.test"].map((address) =>
      callouts.ask({ domain: "a.test", address }),
    );
    await idle();
    assert.deepEqual(await Promise.all(both), [{ kind: "accepted" }, { kind: "accepted" }]);
    assert.equal(server.asked.filter((address) => /alice/i.test(address)).length, 1);
  });

  test("has no capitals beyond ASCII, which not every primary folds", async () => {
    has("élodie@a.test", "postmaster@a.test");
    assert.equal(await ask("ÉlODIE@a.test"), "accepted");
    assert.equal(await ask("Ève@a.test"), "refused");
    assert.deepEqual(memory.notes, [
      ["élodie@a.test", "accepted"],
      ["ève@a.test", "refused"],
    ]);
  });

  test("is put anew behind what is remembered only where that is asked for, and it has grown old", async () => {
    memory.note("old@a.test", { kind: "accepted", at: clock.now() - 8 * DAY, origin: "callout" });
    memory.note("new@a.test", { kind: "accepted", at: clock.now() - 6 * DAY, origin: "callout" });
    has("old@a.test", "postmaster@a.test");
    assert.equal(await ask("old@a.test"), "accepted");
    assert.equal(await ask("new@a.test", true), "accepted");
    assert.deepEqual(server.asked, []);
    assert.equal(await ask("old@a.test", true), "accepted");
    assert.equal(server.asked.filter((address) => address === "old@a.test").length, 1);
  });

  test("is told of, with the primary's words", async () => {
    has("postmaster@a.test", "bob@a.test");
    await ask("bob@a.test");
    server.onVerify = () => ({ code: 450, text: "later" });
    await ask("eve@a.test");
    const asked = { kind: "recipient.asked", domain: "a.test", destination: "p:25" } as const;
    assert.deepEqual(journal.of("recipient.asked"), [
      { ...asked, recipient: "bob@a.test", result: "accepted", reply: OK },
      {
        ...asked,
        recipient: "eve@a.test",
        result: "mute",
        reply: { code: 450, text: "later" },
        why: "450 later",
      },
    ]);
  });

  test("is put for domains of ours only", async () => {
    const answer = await callouts.ask({ domain: "gone.test", address: "alice@gone.test" });
    assert.deepEqual(answer, { kind: "mute", why: "gone.test is not one of our domains" });
  });

  test("is not put while no primary is up", async () => {
    state.up = false;
    assert.equal(await ask("alice@a.test"), "away");
    assert.equal(server.conversations, 0);
  });

  test("waits for its turn and no longer, however the wall clock is set", async () => {
    server.onVerify = (address) => (/^(alice|bob|carol|postmaster)@/.test(address) ? OK : NO);
    assert.equal(await ask("alice@a.test"), "accepted");
    clock.set(-DAY);
    assert.equal(await ask("bob@a.test"), "accepted");
    clock.set(2 * DAY);
    assert.equal(await ask("carol@a.test"), "accepted");
  });

  test("goes out 5 times a second, and no more than 50 wait", async () => {
    has();
    const times: number[] = [];
    server.onVerify = (address) => {
      if (address.startsWith("u")) times.push(clock.now());
      return OK;
    };
    const kinds = new Map<string, number>();
    for (let n = 0; n < 70; n++)
      void callouts.ask({ domain: "a.test", address: `u${n}@a.test` }).then(({ kind }) => {
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      });
    await idle();
    assert.equal(kinds.get("busy"), 19, "one has gone, 50 wait");
    for (let n = 0; n < 20; n++) {
      clock.advance(100);
      await idle();
    }
    const asked = times.length;
    assert.ok(asked >= 8 && asked <= 12, `${asked} in 2 s`);
    callouts.stop();
    await idle();
    assert.equal(kinds.get("acceptAll"), 51, "nobody is left waiting");
    assert.equal(server.open, 0);
  });
});

describe("the connections for questions", () => {
  test("are three at the most, though none of them gets an answer", async () => {
    server.onVerify = () => new Promise(() => {});
    for (let n = 0; n < 10; n++) void callouts.ask({ domain: "a.test", address: `u${n}@a.test` });
    for (let n = 0; n < 40; n++) {
      await idle();
      clock.advance(100);
    }
    assert.equal(server.open, 3);
  });

  test("make room for others when they end", async () => {
    for (let n = 0; n < 5; n++) {
      has(`u${n}@a.test`);
      assert.equal(await ask(`u${n}@a.test`), "accepted");
      clock.advance(3000);
      await idle();
      assert.equal(server.open, 0);
    }
    assert.ok(server.conversations >= 5);
    server.onVerify = () => new Promise(() => {});
    for (let n = 0; n < 10; n++) void callouts.ask({ domain: "a.test", address: `v${n}@a.test` });
    for (let n = 0; n < 40; n++) {
      await idle();
      clock.advance(100);
    }
    assert.equal(server.open, 3, "no more than before");
  });

  test("take eight questions each, as some primaries close at twenty refusals", async () => {
    const names = Array.from({ length: 9 }, (_, n) => `u${n}@a.test`);
    has(...names);
    for (const name of names.slice(0, 8)) assert.equal(await ask(name), "accepted");
    assert.equal(server.conversations, 1);
    assert.equal(await ask(names[8] ?? ""), "accepted");
    assert.equal(server.conversations, 2);
  });

  test("take the next question at once when all three are open and do nothing", async () => {
    const waiting: (() => void)[] = [];
    server.onVerify = (address) =>
      new Promise((resolve) => waiting.push(() => resolve(/^(u|post)/.test(address) ? OK : NO)));
    for (let n = 0; n < 3; n++) void callouts.ask({ domain: "a.test", address: `u${n}@a.test` });
    for (let n = 0; n < 10; n++) {
      await idle();
      clock.advance(100);
    }
    for (const finish of waiting.splice(0)) finish();
    await idle();
    assert.equal(server.open, 3);
    has("bob@a.test");
    const answer = callouts.ask({ domain: "a.test", address: "bob@a.test" });
    await idle();
    assert.deepEqual(await answer, { kind: "accepted" });
    server.onVerify = () => new Promise(() => {});
    for (let n = 0; n < 3; n++) void callouts.ask({ domain: "a.test", address: `v${n}@a.test` });
    for (let n = 0; n < 10; n++) {
      await idle();
      clock.advance(100);
    }
    const asked = server.asked.filter((address) => /^v\d@/.test(address)).length;
    assert.deepEqual([asked, server.conversations], [3, 3], "each by one of them");
  });

  test("are waited for while all are busy; the first that is free takes the next question at once", async () => {
    const waiting: (() => void)[] = [];
    server.onVerify = () => new Promise((resolve) => waiting.push(() => resolve(OK)));
    for (let n = 0; n < 4; n++) void callouts.ask({ domain: "a.test", address: `u${n}@a.test` });
    for (let n = 0; n < 10; n++) {
      await idle();
      clock.advance(100);
    }
    const asked = (): number => server.asked.filter((address) => /^u\d@/.test(address)).length;
    assert.equal(asked(), 3);
    has("u3@a.test");
    waiting.shift()?.();
    await idle();
    for (const finish of waiting.splice(0)) finish();
    await idle();
    assert.deepEqual([asked(), server.conversations], [4, 3]);
  });

  test("may end while nobody speaks: the next question goes by another", async () => {
    has("alice@a.test", "bob@a.test");
    assert.equal(await ask("alice@a.test"), "accepted");
    server.closeIdle();
    assert.equal(await ask("bob@a.test"), "accepted");
    assert.equal(server.conversations, 2);
  });
});

describe("what is believed", () => {
  test("nothing from a primary that takes an address that nobody has, until it was away or a day has gone", async () => {
    server.onVerify = () => OK;
    assert.equal(await ask("alice@a.test"), "acceptAll");
    assert.deepEqual(memory.notes, []);
    assert.equal(journal.of("primary.acceptAll").length, 1);
    assert.deepEqual(callouts.acceptAll(way()), ["a.test"]);
    const asked = server.asked.length;
    assert.equal(await ask("bob@a.test"), "acceptAll");
    assert.equal(server.asked.length, asked, "it is not asked meanwhile");
    has("bob@a.test");
    clock.advance(DAY);
    assert.deepEqual(callouts.acceptAll(way()), []);
    assert.equal(await ask("bob@a.test"), "accepted");
    server.onVerify = () => OK;
    state.epoch = 2;
    assert.equal(await ask("carol@a.test"), "acceptAll");
    state.epoch = 3;
    assert.deepEqual(callouts.acceptAll(way()), []);
    state.epoch = 2;
    clock.set(-DAY);
    clock.advance(DAY);
    has("dave@a.test");
    assert.equal(await ask("dave@a.test"), "accepted");
  });

  test("an address that nobody has is tried once a day; again at once where the primary gave no final word", async () => {
    const invented = () => server.asked.filter((address) => /^[a-z0-9]{20}@a.test$/.test(address));
    server.onVerify = () => ({ code: 450, text: "greylisted" });
    await ask("alice@a.test");
    has("alice@a.test", "postmaster@a.test");
    assert.equal(await ask("alice@a.test"), "accepted");
    assert.equal(await ask("eve@a.test"), "refused");
    assert.equal(invented().length, 2);
    assert.equal(new Set(invented()).size, 2, "never the same twice");
    assert.deepEqual(callouts.acceptAll(way()), []);
  });

  test("that a primary takes all is told once, and not of one that does not", async () => {
    has("alice@a.test", "postmaster@a.test");
    assert.equal(await ask("alice@a.test"), "accepted");
    assert.deepEqual(journal.of("primary.acceptAll"), []);
    state.epoch += 1;
    memory.rows.clear();
    server.onVerify = () => OK;
    for (let day = 0; day < 3; day++) {
      assert.equal(await ask("alice@a.test"), "acceptAll");
      clock.advance(DAY);
    }
    assert.equal(journal.of("primary.acceptAll").length, 1);
  });

  test("a witness is one that every primary can be asked for: beyond ASCII it is the postmaster", async () => {
    memory.note("élodie@a.test", { kind: "accepted", at: clock.now(), origin: "delivery" });
    has("postmaster@a.test");
    assert.equal(await ask("eve@a.test"), "refused");
    assert.ok(!server.asked.includes("élodie@a.test"));
  });

  test("whoever was asked for, existed and was taken vouches, too", async () => {
    memory.note("bob@a.test", { kind: "accepted", at: clock.now() - 8 * DAY, origin: "callout" });
    memory.note("carol@a.test", { kind: "accepted", at: clock.now(), origin: "delivery" });
    has("new@a.test", "bob@a.test");
    assert.equal(await ask("new@a.test"), "accepted");
    assert.match(await ask("eve@a.test"), /^mute: it refuses/, "who was unknown before does not");
    assert.equal(await ask("bob@a.test", true), "accepted");
    server.asked.length = 0;
    assert.equal(await ask("eve@a.test"), "refused");
    assert.deepEqual(server.asked, ["eve@a.test"], "nobody else need be asked for");
  });

  test("no refusal while the primary refuses who is known", async () => {
    memory.note("alice@a.test", { kind: "accepted", at: clock.now(), origin: "delivery" });
    has("postmaster@a.test", "root@a.test");
    assert.match(await ask("eve@a.test"), /^mute: it refuses alice@a.test, too/);
    has("alice@a.test");
    assert.equal(await ask("eve@a.test"), "refused");
    assert.equal(memory.notes.filter(([, kind]) => kind === "refused").length, 1);
  });

  test("no refusal without anybody known but where the postmaster is taken", async () => {
    has();
    assert.match(await ask("eve@a.test"), /^mute: it refuses postmaster@a.test, too/);
  });

  test("no refusal in probation", async () => {
    has("postmaster@a.test", "bob@a.test");
    state.inProbation = true;
    assert.match(await ask("eve@a.test"), /^mute: its refusals are not trusted yet/);
    assert.equal(await ask("bob@a.test"), "accepted");
    state.inProbation = false;
    assert.equal(await ask("eve@a.test"), "refused");
  });

  test("temporary answers, refusals of the null sender, of policy and of syntax teach nothing", async () => {
    for (const said of [
      { code: 450, enhanced: "4.2.0", text: "greylisted" },
      { code: 450, enhanced: "5.1.1", text: "codes that contradict each other" },
      { code: 550, enhanced: "5.7.1", text: "blocked" },
      { code: 501, enhanced: "5.1.3", text: "bad syntax" },
      { code: 554, text: "no" },
    ] satisfies Reply[]) {
      server.onVerify = (address) => (address.startsWith("eve") ? said : NO);
      assert.match(await ask("eve@a.test"), new RegExp(`^mute: ${said.code}`));
    }
    server.nullSender = { code: 550, text: "no bounces here" };
    assert.match(await ask("eve@a.test"), /^mute: it refuses the null sender: 550 no bounces here/);
    clock.advance(3000);
    await idle();
    state.trouble = new DestinationTrouble("greeting", "it answered 421");
    assert.equal(await ask("eve@a.test"), "mute: it answered 421");
    assert.deepEqual(memory.notes, []);
  });

  test("no refusal of the only one that is known, who can be no witness of it", async () => {
    memory.note("alice@a.test", { kind: "accepted", at: clock.now() - 8 * DAY, origin: "callout" });
    has("postmaster@a.test");
    const why = "its refusal is not trusted, because no known address could confirm that it accepts mail";
    assert.equal(await ask("alice@a.test", true), `mute: ${why}`);
  });

  test("a known one that is refused is doubted for a day", async () => {
    memory.note("alice@a.test", { kind: "accepted", at: clock.now() - 8 * DAY, origin: "callout" });
    memory.note("bob@a.test", { kind: "accepted", at: clock.now(), origin: "callout" });
    has("bob@a.test");
    const answer = callouts.ask({ domain: "a.test", address: "alice@a.test", refresh: true });
    await idle();
    assert.deepEqual(await answer, { kind: "refused", doubted: true });
  });
});

describe("what mail taught", () => {
  const sent = (outcomes: Readonly<Record<string, "delivered" | Reply>>, more: Partial<SendResult> = {}) => {
    const entries = Object.entries(outcomes);
    const mail = { recipients: entries.map(([address], n) => ({ n, address })) } as unknown as ClaimedMail;
    const result: SendResult = {
      took: 1,
      outcomes: new Map<number, Outcome>(
        entries.map(([, said], n) =>
          said === "delivered"
            ? [n, { kind: "delivered", reply: OK }]
            : [n, { kind: "refused", reply: said }],
        ),
      ),
      ...more,
    };
    callouts.learn({ domain: "a.test", way: way(), mail, result });
    return memory.notes.filter(([, kind]) => kind === "refused").map(([key]) => key);
  };

  beforeEach(() => memory.note("alice@a.test", { kind: "accepted", at: clock.now(), origin: "delivery" }));

  test("a refusal counts within 5 min after a known recipient was taken, by the same primary since its return", () => {
    assert.deepEqual(sent({ "eve@a.test": NO }), [], "nobody vouches");
    assert.deepEqual(sent({ "new@a.test": "delivered", "eve@a.test": NO }), [], "a stranger does not");
    assert.deepEqual(sent({ "alice@a.test": "delivered", "eve@a.test": NO }), ["eve@a.test"]);
    clock.advance(5 * 60_000);
    assert.deepEqual(sent({ "fay@a.test": NO }), ["eve@a.test", "fay@a.test"]);
    clock.set(-DAY);
    clock.advance(1);
    assert.equal(sent({ "gil@a.test": NO }).length, 2);
    sent({ "alice@a.test": "delivered" });
    state.epoch = 2;
    assert.equal(sent({ "hal@a.test": NO }).length, 2);
  });

  test("nothing in probation, nothing from a refused sender or body, nothing of policy or spelling", () => {
    state.inProbation = true;
    assert.deepEqual(sent({ "alice@a.test": "delivered", "eve@a.test": NO }), []);
    state.inProbation = false;
    assert.deepEqual(sent({ "eve@a.test": NO }, { refusedAt: "body" }), []);
    assert.deepEqual(sent({ "eve@a.test": { code: 550, enhanced: "5.7.26", text: "spf" } }), []);
    assert.deepEqual(sent({ "eve@a.test": { code: 501, enhanced: "5.1.3", text: "bad syntax" } }), []);
    assert.deepEqual(sent({ "eve@a.test": { ...NO, code: 450, enhanced: "4.1.1" } }), []);
    assert.deepEqual(sent({ "eve@a.test": { code: 554, text: "no" } }), []);
    const codes = [550, 551, 553];
    for (const code of codes) sent({ [`Eve${code}@a.test`]: { code, text: "unknown user" } });
    assert.deepEqual(
      sent({}),
      codes.map((code) => `eve${code}@a.test`),
    );
  });

  test("who was refused singly, though then the body was refused as well", () => {
    sent({ "alice@a.test": "delivered" });
    const refused = { "eve@a.test": NO, "fay@a.test": NO };
    assert.deepEqual(sent(refused, { refusedAt: "body", singly: new Set([1]) }), ["fay@a.test"]);
  });

  test("who stands behind a beginning in a list vouches for nobody", () => {
    directory.listed.set("list-x", "list-*");
    assert.deepEqual(sent({ "list-x@a.test": "delivered", "eve@a.test": NO }), []);
    directory.listed.set("bob", "bob");
    assert.deepEqual(sent({ "bob@a.test": "delivered", "eve@a.test": NO }), ["eve@a.test"]);
  });

  test("a refusal that nobody vouches for is asked about, where the domain asks at all", async () => {
    const { settings } = directory.domain("a.test") as DomainRecord;
    for (const callout of [false, true]) {
      directory.set("a.test", [], { settings: { ...settings, callout } });
      sent({ "eve@a.test": NO });
      await idle();
      assert.equal(server.asked.includes("eve@a.test"), callout);
    }
  });

  test("so is one of somebody who was taken lately, or stands in a list", async () => {
    memory.note("bob@a.test", { kind: "accepted", at: clock.now() - 3 * DAY, origin: "delivery" });
    directory.listed.set("carol", "carol");
    has("alice@a.test");
    for (const gone of ["bob@a.test", "carol@a.test"]) {
      clock.advance(6 * 60_000);
      assert.ok(!sent({ [gone]: NO }).includes(gone));
      await idle();
      assert.ok(sent({}).includes(gone), gone);
      assert.equal(await ask(gone), "refused");
    }
  });

  test("a refusal of capitals beyond ASCII counts once the primary has refused small letters", async () => {
    has("alice@a.test", "élodie@a.test");
    assert.deepEqual(sent({ "alice@a.test": "delivered", "Élodie@a.test": NO, "Ève@a.test": NO }), []);
    for (let n = 0; n < 20; n++) {
      clock.advance(100);
      await idle();
    }
    assert.deepEqual(memory.notes.slice(1), [
      ["élodie@a.test", "accepted"],
      ["ève@a.test", "refused"],
    ]);
  });
});

test("lists that cannot be read are no answer, and nothing breaks by them", async (t) => {
  t.mock.method(directory, "recipient", () => {
    throw new Error("disk I/O error");
  });
  const question = { domain: "a.test", address: "alice@a.test" };
  assert.deepEqual(await callouts.ask(question), { kind: "mute", why: "disk I/O error" });
  t.mock.restoreAll();
  has("alice@a.test");
  assert.equal(await ask("alice@a.test"), "accepted");
});
