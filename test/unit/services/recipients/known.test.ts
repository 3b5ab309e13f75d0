import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAddress } from "../../../../src/mail/address.ts";
import type { CalloutAnswer, CalloutQuestion } from "../../../../src/ports/callout.ts";
import {
  Known,
  Recipients,
  spellings,
  takeStranger,
} from "../../../../src/services/recipients/recipients.ts";
import { rateMemory, RateTable } from "../../../../src/runtime/rate-table.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { FakeNotes } from "../../../support/recipient-notes.ts";
import { MemoryDirectory, type TestDomain } from "../../../support/smtp-bench.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LISTED: TestDomain = { name: "listed.test", recipients: ["alice", "list-news", "list-*"] };
const ASKING: TestDomain = {
  name: "asking.test",
  recipients: ["alice"],
  settings: { callout: true, unknownDuringOutage: "accept" },
};

function bench(unknownDuringOutage: "accept" | "defer" | "reject" = "accept") {
  const asking = { ...ASKING, settings: { callout: true, unknownDuringOutage } };
  const catching: TestDomain = { name: "all.test", settings: { catchAll: true } };
  const fetching = { url: "https://lists.test/", every: HOUR };
  const unfetched: TestDomain = { name: "fetching.test", settings: { fetched: fetching } };
  const directory = new MemoryDirectory([LISTED, asking, catching, unfetched]);
  const memory = new FakeNotes();
  const clock = new ManualClock();
  clock.advance(100 * DAY);
  const asked: CalloutQuestion[] = [];
  const strangers = new RateTable(rateMemory(), 0);
  const world = {
    memory,
    clock,
    asked,
    answer: Promise.resolve<CalloutAnswer>({ kind: "away" }),
  };
  const known = new Known(directory, { memory, clock });
  const recipients = new Recipients(directory, {
    memory,
    clock,
    ask: (question) => {
      asked.push(question);
      return world.answer;
    },
    takeStranger: (stranger) => takeStranger(strangers, stranger, clock.now()),
  });
  const subject = (text: string) => {
    const address = parseAddress(text);
    const record = address && directory.domain(address.domain, 0);
    assert.ok(address !== undefined && record !== undefined);
    return { address, record };
  };
  return {
    ...world,
    world,
    find: (text: string) => {
      const { record, address } = subject(text);
      return known.find(record, address);
    },
    admit: async (text: string, network = "192.0.2.0/24") => {
      const { record, address } = subject(text);
      const { kind, why } = await recipients.admit(record, address, network);
      return kind === "accept" ? kind : `${kind} ${why}`;
    },
  };
}

const AT = { origin: "delivery", reply: "550 5.1.1 no" } as const;

describe("what primaries said", () => {
  test("counts where the domain asks, for 31 days, and asks to be renewed after 7", () => {
    const { memory, clock, find } = bench();
    memory.note("bob@asking.test", { kind: "accepted", at: clock.now(), origin: "callout" });
    memory.note("bob@listed.test", { kind: "accepted", at: clock.now(), origin: "delivery" });
    const told = { kind: "accepted", at: clock.now(), origin: "callout" };
    assert.deepEqual(find("BOB@asking.test"), { ...told, stale: false });
    assert.deepEqual(find("bob+news@asking.test"), { ...told, stale: false });
    assert.equal(find("bob@listed.test").kind, "unknown");
    clock.advance(7 * DAY);
    assert.deepEqual(find("bob@asking.test"), { ...told, stale: true });
    clock.advance(24 * DAY + 1);
    assert.equal(find("bob@asking.test").kind, "unknown");
  });

  test("a refusal counts for 2 h, above list and catch-all, and only for the very address", async () => {
    const { memory, clock, find, admit } = bench();
    for (const key of ["stranger@asking.test", "list-x@listed.test", "junk@all.test"])
      memory.note(key, { kind: "refused", at: clock.now(), ...AT });
    assert.equal(await admit("stranger@asking.test"), "reject refused");
    assert.equal(await admit("list-x@listed.test"), "reject refused");
    assert.equal(await admit("junk@all.test"), "reject refused");
    assert.equal(find("stranger+tag@asking.test").kind, "unknown");
    assert.equal(find("list-y@listed.test").kind, "known");
    clock.advance(2 * HOUR);
    assert.equal(await admit("list-x@listed.test"), "accept");
    assert.equal(await admit("junk@all.test"), "accept");
  });

  test("a refusal that lies ahead, because the clock was set back, does not count", async () => {
    const { memory, clock, admit, asked } = bench();
    for (const key of ["list-x@listed.test", "stranger@asking.test"])
      memory.note(key, { kind: "refused", at: clock.now(), ...AT });
    clock.set(-DAY);
    assert.equal(await admit("list-x@listed.test"), "accept");
    assert.deepEqual(asked, []);
    await admit("stranger@asking.test");
    assert.equal(asked.length, 1);
  });

  test("who was listed by name or taken lately is put off for the first day of refusals", async () => {
    const { memory, clock, admit } = bench();
    memory.note("bob@asking.test", { kind: "accepted", at: clock.now() - 30 * DAY, origin: "delivery" });
    const refuse = (): void => {
      for (const key of ["bob@asking.test", "alice@listed.test"])
        memory.note(key, { kind: "refused", at: clock.now(), ...AT });
    };
    refuse();
    assert.equal(await admit("bob@asking.test"), "defer doubted");
    assert.equal(await admit("alice@listed.test"), "defer doubted");
    clock.advance(DAY - 1);
    refuse();
    assert.equal(await admit("alice@listed.test"), "defer doubted");
    clock.advance(1);
    assert.equal(await admit("alice@listed.test"), "reject refused");
  });

  test("a name vouches for its tags, though a beginning stands in the list as well", async () => {
    const { memory, clock, admit } = bench();
    for (const local of ["alice+x", "list-news+x", "list-other+x"])
      memory.note(`${local}@listed.test`, { kind: "refused", at: clock.now(), ...AT });
    assert.equal(await admit("alice+x@listed.test"), "defer doubted");
    assert.equal(await admit("list-news+x@listed.test"), "defer doubted");
    assert.equal(await admit("list-other+x@listed.test"), "reject refused");
  });
});

test("where nobody is asked, what a primary took says nothing of the list", () => {
  const { memory, clock, find } = bench();
  // The filter of refusals lets some through of which there is none.
  memory.mayBeRefused = () => true;
  memory.note("bob@listed.test", { kind: "accepted", at: clock.now(), origin: "delivery" });
  assert.equal(find("bob@listed.test").kind, "unknown");
  assert.equal(find("bob+x@listed.test").kind, "unknown");
});

test("a local part is also looked for without its tag", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["alice", "+", ["alice"]],
    ["alice+a+b", "+", ["alice+a+b", "alice"]],
    ["+alice", "+", ["+alice"]],
    ["a-b+c", "-", ["a-b+c", "a"]],
    ["alice+x", "", ["alice+x"]],
  ];
  for (const [local, separator, expected] of cases) assert.deepEqual(spellings(local, separator), expected);
});

describe("an address that nobody knows", () => {
  test("is refused where the list is complete, and nobody is asked", async () => {
    const { admit, asked } = bench();
    assert.equal(await admit("nobody@listed.test"), "reject unknown");
    assert.equal(await admit("anybody@fetching.test"), "defer unlisted");
    assert.deepEqual(asked, []);
  });

  test("is asked for, as it was written, and the answer is passed on", async () => {
    const { admit, asked, world } = bench("reject");
    const answers: readonly [CalloutAnswer, string][] = [
      [{ kind: "accepted" }, "accept"],
      [{ kind: "acceptAll" }, "accept"],
      [{ kind: "refused", doubted: false }, "reject refused"],
      [{ kind: "refused", doubted: true }, "defer doubted"],
      [{ kind: "busy" }, "defer unverified"],
      [{ kind: "away" }, "reject outage"],
      [{ kind: "mute", why: "450" }, "reject outage"],
    ];
    for (const [answer, told] of answers) {
      world.answer = Promise.resolve(answer);
      assert.equal(await admit("Bob+x@asking.test"), told);
    }
    assert.deepEqual(asked[0], { domain: "asking.test", address: "Bob+x@asking.test" });
    assert.equal(await admit("alice@asking.test"), "accept");
    assert.equal(asked.length, answers.length);
  });

  test("nobody waits longer than 10 s, and a line that broke is a matter of time", async () => {
    const { admit, world, clock } = bench();
    world.answer = new Promise(() => {});
    const waiting = admit("bob@asking.test");
    clock.advance(9999);
    assert.equal(await Promise.race([waiting, Promise.resolve("waits")]), "waits");
    clock.advance(1);
    assert.equal(await waiting, "defer unverified");
    world.answer = Promise.reject(new Error("the other thread has ended"));
    assert.equal(await admit("bob@asking.test"), "defer unverified");
  });

  test("while nobody can tell, the operator's choice counts; 20 an hour a network where they are taken", async () => {
    const { admit, clock } = bench("accept");
    for (let n = 0; n < 20; n++) assert.equal(await admit(`u${n}@asking.test`), "accept");
    assert.equal(await admit("u20@asking.test"), "defer strangers");
    assert.equal(await admit("u3@asking.test"), "accept", "the same address counts once");
    assert.equal(await admit("alice@asking.test"), "accept");
    assert.equal(await admit("u20@asking.test", "198.51.100.0/24"), "accept");
    clock.advance(HOUR);
    assert.equal(await admit("u20@asking.test"), "accept");
    assert.equal(await bench("defer").admit("u@asking.test"), "defer outage");
    assert.equal(await bench("reject").admit("u@asking.test"), "reject outage");
  });

  test("what grows old is asked anew behind the client's back", async () => {
    const { admit, asked, memory, clock } = bench();
    memory.note("bob@asking.test", { kind: "accepted", at: clock.now() - 8 * DAY, origin: "callout" });
    memory.note("eve@asking.test", { kind: "refused", at: clock.now() - HOUR, ...AT });
    memory.note("fay@asking.test", { kind: "refused", at: clock.now() - HOUR + 1, ...AT });
    memory.note("new@asking.test", { kind: "accepted", at: clock.now(), origin: "callout" });
    assert.equal(await admit("bob@asking.test"), "accept");
    assert.equal(await admit("eve@asking.test"), "reject refused");
    assert.equal(await admit("fay@asking.test"), "reject refused");
    assert.equal(await admit("new@asking.test"), "accept");
    assert.deepEqual(
      asked.map(({ address, refresh }) => [address, refresh]),
      [
        ["bob@asking.test", true],
        ["eve@asking.test", true],
      ],
    );
  });
});
