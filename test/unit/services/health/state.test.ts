import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DestinationTrouble } from "../../../../src/ports/smtp-client.ts";
import { nextProbe, Pacer } from "../../../../src/services/health/probe-schedule.ts";
import {
  next,
  unknownHealth,
  type HealthRecord,
  type Signal,
} from "../../../../src/services/health/state.ts";
import { isOwnAddress, isOwnName } from "../../../../src/services/health/ourselves.ts";

const refused: Signal = {
  kind: "trouble",
  trouble: new DestinationTrouble("connect", "connection refused"),
  probe: true,
};
const broken: Signal = {
  kind: "trouble",
  trouble: new DestinationTrouble("session", "reset"),
  probe: false,
};
const banned: Signal = {
  kind: "trouble",
  trouble: new DestinationTrouble("greeting", "554 no", { code: 554, text: "no" }),
  probe: true,
};
const crowded: Signal = {
  kind: "trouble",
  trouble: new DestinationTrouble("greeting", "421 too many", { code: 421, text: "too many connections" }),
  probe: true,
};
const loop: Signal = { kind: "trouble", trouble: new DestinationTrouble("loop", "ourselves"), probe: true };
const greeted: Signal = { kind: "greeted", idle: false };
const answered: Signal = { kind: "answered" };

/** The states that signals, one a second, lead through. */
function walk(...signals: Signal[]): string[] {
  let health = unknownHealth(0);
  return signals.map((signal, i) => {
    health = next(health, signal, (i + 1) * 1000);
    return health.state;
  });
}

function after(...signals: Signal[]): HealthRecord {
  return signals.reduce((health, signal, i) => next(health, signal, (i + 1) * 1000), unknownHealth(0));
}

describe("states", () => {
  const cases: readonly [string, Signal[], string[]][] = [
    ["unknown, asked", [greeted], ["up"]],
    ["unknown, refused: down at once", [refused], ["down"]],
    [
      "one trouble is a suspicion, the next is the end",
      [greeted, answered, broken, refused],
      ["up", "up", "suspect", "down"],
    ],
    ["a suspicion that was nothing", [greeted, broken, greeted], ["up", "suspect", "up"]],
    [
      "conversations that break together do not decide",
      [greeted, broken, broken, broken],
      ["up", "suspect", "suspect", "suspect"],
    ],
    [
      "back, and a failed probe before any mail: a suspicion",
      [refused, greeted, refused],
      ["down", "up", "suspect"],
    ],
    ["a failed probe of one that was up", [greeted, refused, refused], ["up", "suspect", "down"]],
    ["refused at connect", [banned, banned, greeted], ["banned", "banned", "up"]],
    ["ourselves, until it is not", [loop, loop, answered, greeted], ["loop", "loop", "loop", "up"]],
    ["mail that goes through is proof", [refused, answered], ["down", "up"]],
    ["back, and failing at the first mail: no suspicion", [refused, greeted, broken], ["down", "up", "down"]],
  ];
  for (const [name, signals, states] of cases) {
    test(name, () => assert.deepEqual(walk(...signals), states));
  }

  test("each relapse makes the next return count later, until a mail is answered", () => {
    let health = after(refused, greeted, broken);
    assert.equal(health.relapses, 1);
    assert.equal(next(health, greeted, 3999).state, "down");
    health = next(health, greeted, 4000);
    assert.equal(health.state, "up");
    health = next(health, broken, 4100);
    assert.equal(next(health, greeted, 6099).state, "down");
    health = next(next(health, greeted, 6100), answered, 6200);
    assert.deepEqual([health.state, health.relapses, health.proven], ["up", 0, true]);
  });

  test("an answered mail ends the pause after a relapse", () => {
    const relapsed = after(refused, greeted, broken);
    const suspect = next(next(relapsed, answered, 3100), broken, 3200);
    assert.deepEqual([suspect.state, next(suspect, greeted, 3300).state], ["suspect", "up"]);
  });

  test("a state keeps its beginning, and its reason ends with it", () => {
    const health = after(refused, refused);
    assert.deepEqual([health.since, health.why], [1000, "connection refused"]);
    assert.equal(next(health, greeted, 9000).why, undefined);
  });

  test("421 just after a broken conversation is no ban until it is repeated", () => {
    const suspect = after(greeted, answered, broken);
    const told = next(suspect, crowded, 3100);
    assert.deepEqual([told.state, told.bans], ["suspect", 0]);
    assert.equal(next(suspect, banned, 3100).state, "banned");
    assert.equal(next(told, crowded, 4100).state, "banned");
    assert.equal(next(told, greeted, 4100).state, "up");
  });

  test("an outage begins with its first trouble", () => {
    const health = after(greeted, answered, broken, refused);
    assert.equal(health.awaySince, 3000);
    assert.equal(health.since, 4000);
    assert.equal(health.why, "connection refused");
  });
});

describe("success", () => {
  const knocked: Signal = { kind: "knocked" };

  test("of a primary that is up changes only the time of its last success", () => {
    const proven = after(greeted, answered);
    assert.deepEqual(next(proven, greeted, 9000), { ...proven, lastGood: 9000 });
    assert.deepEqual(next(proven, knocked, 9000), { ...proven, lastGood: 9000 });
  });

  test("in connecting alone changes nothing for a primary that is not up", () => {
    for (const away of [after(refused), after(greeted, broken), unknownHealth(0)])
      assert.equal(next(away, knocked, 9000), away);
  });

  test("in greeting ends relapses and bans if no mail is held; otherwise an answered mail does", () => {
    const away = after(refused, greeted, broken, banned, banned);
    assert.deepEqual([away.relapses, away.bans], [1, 2]);
    const idle = next(away, { kind: "greeted", idle: true }, 9000);
    assert.deepEqual([idle.state, idle.proven, idle.relapses, idle.bans], ["up", true, 0, 0]);
    const busy = next(away, greeted, 9000);
    assert.deepEqual([busy.state, busy.proven, busy.relapses, busy.bans], ["up", false, 1, 2]);
    const left = next(busy, { kind: "greeted", idle: true }, 9100);
    assert.deepEqual([left.proven, left.relapses, left.since, left.lastGood], [true, 0, 9000, 9100]);
    const taken = next(busy, answered, 9100);
    assert.deepEqual([taken.proven, taken.relapses, taken.bans, taken.since], [true, 0, 0, 9000]);
  });

  test("in greeting after a relapse counts later each time, from one second to a minute", () => {
    let health = after(refused);
    const pauses: number[] = [];
    for (let now = 10_000; pauses.length < 14; now = health.notBefore) {
      assert.equal(next(health, greeted, now - 1).state, pauses.length === 0 ? "up" : "down");
      health = next(next(health, greeted, now), broken, now);
      pauses.push((health.notBefore - now) / 1000);
    }
    assert.deepEqual(pauses.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
    assert.equal(Math.max(...pauses), 60);
  });
});

describe("a refusal of us", () => {
  const refusal = (stage: "greeting" | "ehlo" | "login", code?: number): string => {
    const reply = code === undefined ? undefined : { code, text: "no" };
    const trouble = new DestinationTrouble(stage, "no", reply);
    return next(after(refused), { kind: "trouble", trouble, probe: true }, 9000).state;
  };

  test("is 421 or a 5xx in place of a greeting, not a lost greeting, another code or a refused EHLO", () => {
    for (const code of [421, 500, 554]) assert.equal(refusal("greeting", code), "banned", `${code}`);
    for (const code of [undefined, 220, 420, 451, 499]) assert.equal(refusal("greeting", code), "down");
    for (const code of [421, 554]) assert.equal(refusal("ehlo", code), "down");
  });

  test("is a refused login: a wrong password once a second would lock the account or get us blocked", () => {
    for (const code of [421, 535]) assert.equal(refusal("login", code), "banned", `${code}`);
    for (const code of [undefined, 454]) assert.equal(refusal("login", code), "down");
  });

  test("by 421 does not count within a second of trouble", () => {
    const suspect = after(greeted, answered, broken);
    assert.equal(next(suspect, crowded, 3999), suspect);
    assert.equal(next(suspect, crowded, 4000).state, "banned");
    const busy = new DestinationTrouble("login", "no", { code: 421, text: "too many sessions of this user" });
    assert.equal(next(suspect, { kind: "trouble", trouble: busy, probe: true }, 3999), suspect);
  });
});

describe("probes", () => {
  const facts = { held: true, lastProbe: 50_000, asked: true, now: 50_000, random: () => 0.5 };
  const cases: readonly [string, HealthRecord, Partial<typeof facts>, number][] = [
    ["unknown: at once", unknownHealth(0), { asked: false }, 0],
    ["suspect: at once, then each second", after(greeted, broken), { asked: false }, 0],
    ["suspect, asked", after(greeted, broken), {}, 1000],
    ["down with mail: each second", after(refused), {}, 1000],
    ["down without: each 15 s", after(refused), { held: false }, 15_000],
    ["up: once a minute", after(greeted), {}, 60_000],
    ["up: a minute after the last delivery", next(after(greeted), answered, 60_000), {}, 70_000],
    ["banned: a minute", after(banned), {}, 60_000],
    ["banned again: two", after(banned, banned), {}, 120_000],
    ["banned for long: 15 min", after(...Array.from({ length: 9 }, () => banned)), {}, 900_000],
    ["a loop: 15 min", after(loop), {}, 900_000],
  ];
  for (const [name, health, change, delay] of cases) {
    test(name, () => assert.equal(nextProbe(health, { ...facts, ...change }) - facts.now, delay));
  }

  test("are at most 200 a second for all primaries together", () => {
    const pacer = new Pacer();
    const slots = Array.from({ length: 1000 }, () => pacer.slot(10_000));
    assert.equal(slots.filter((slot) => slot < 11_000).length, 200);
    assert.equal(pacer.slot(60_000), 60_000);
  });
});

describe("ourselves", () => {
  test("by address and port", () => {
    const own = [
      { address: "0.0.0.0", port: 25 },
      { address: "::", port: 26 },
      { address: "198.51.100.1", port: 2525 },
    ];
    assert.ok(isOwnAddress("127.0.0.1", 25, own));
    assert.ok(isOwnAddress("::1", 26, own));
    assert.ok(isOwnAddress("::ffff:198.51.100.1", 2525, own));
    assert.ok(!isOwnAddress("198.51.100.1", 25, own));
    assert.ok(!isOwnAddress("127.0.0.1", 2526, own));
  });

  test("by name in greeting or EHLO", () => {
    assert.ok(isOwnName({ name: "MX2.test", extensions: [] }, "mx2.test"));
    assert.ok(isOwnName({ name: "x.test", banner: "mx2.test", extensions: [] }, "mx2.Test"));
    assert.ok(!isOwnName({ name: "mx.test", extensions: [] }, "mx2.test"));
  });
});
