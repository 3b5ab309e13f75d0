import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListTest } from "../../../../src/ports/blocklist.ts";
import type { JournalEvent } from "../../../../src/ports/journal.ts";
import { ListHealth } from "../../../../src/services/policy/policy.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function setUp() {
  const clock = new ManualClock();
  const answers = new Map<string, ListTest>();
  const events: JournalEvent[] = [];
  const told: (readonly string[])[] = [];
  const tested: string[] = [];
  const health = new ListHealth({
    clock,
    blocklists: {
      test: (zone) => {
        tested.push(zone);
        return Promise.resolve(answers.get(zone) ?? { kind: "sound" });
      },
    },
    journal: { record: (event) => void events.push(event) },
    changed: (sound) => void told.push(sound),
  });
  return { clock, answers, events, told, tested, health };
}

test("a list counts from its first good test, and not while it is sick", async () => {
  const { clock, answers, events, told, health } = setUp();
  health.use(["a.test", "b.test"]);
  assert.deepEqual(health.sound(), []);
  answers.set("b.test", { kind: "sick", why: "it lists 127.0.0.1, so perhaps everybody" });
  await health.test();
  assert.deepEqual(told.at(-1), ["a.test"]);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["blocklist.sick"],
  );
  assert.deepEqual(
    health.status().map(({ zone, state, why }) => [zone, state, why]),
    [
      ["a.test", "sound", undefined],
      ["b.test", "sick", "it lists 127.0.0.1, so perhaps everybody"],
    ],
  );
  answers.delete("b.test");
  clock.advance(60_000);
  await health.test();
  assert.deepEqual(told.at(-1), ["a.test", "b.test"]);
  assert.equal(events.at(-1)?.kind, "blocklist.sound");
});

test("sound lists are tested hourly, sick ones at each turn", async () => {
  const { clock, answers, tested, health } = setUp();
  health.use(["a.test", "b.test"]);
  answers.set("b.test", { kind: "sick", why: "no answer" });
  await health.test();
  clock.advance(60_000);
  await health.test();
  assert.deepEqual(tested, ["a.test", "b.test", "b.test"]);
  clock.set(-86_400_000);
  clock.advance(3_600_000);
  await health.test();
  assert.deepEqual(tested.slice(3), ["a.test", "b.test"]);
});

test("a list that stays sick is told of once, with the time from which it is so and why it is now", async () => {
  const { clock, answers, events, health } = setUp();
  health.use(["a.test"]);
  clock.advance(60_000);
  const since = clock.now();
  for (const why of ["no answer", "SERVFAIL"]) {
    answers.set("a.test", { kind: "sick", why });
    await health.test();
    clock.advance(60_000);
  }
  assert.deepEqual(events, [{ kind: "blocklist.sick", zone: "a.test", why: "no answer" }]);
  assert.deepEqual(health.status(), [{ zone: "a.test", state: "sick", since, why: "SERVFAIL" }]);
});

test("other lists after a reload: those that stay keep their state", async () => {
  const { told, health } = setUp();
  health.use(["a.test"]);
  await health.test();
  health.use(["c.test", "a.test"]);
  assert.deepEqual(told.at(-1), ["a.test"]);
  assert.deepEqual(
    health.status().map(({ state }) => state),
    ["untested", "sound"],
  );
});
