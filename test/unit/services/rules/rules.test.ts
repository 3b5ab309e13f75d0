import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeWorld } from "../../../support/admin-fakes.ts";

test("the newest rule comes first; the job removes an expired rule", async () => {
  const { rules, clock, storedRules } = new FakeWorld();
  const until = clock.now() + 1000;
  const first = await rules.add({ action: "block", sender: "@a.example" }, "socket");
  const second = await rules.add({ action: "allow", sender: "@b.example", until }, "sync");
  assert.deepEqual(rules.list(), [second, first]);
  clock.advance(1000);
  await rules.forgetOver();
  assert.deepEqual(rules.list(), [first]);
  assert.equal(storedRules.length, 1);
  assert.equal(await rules.remove("nothing"), false);
});

test("a removed rule is not in force any more, and the others are", async () => {
  const { rules } = new FakeWorld();
  const block = (sender: string) => rules.add({ action: "block", sender }, "socket");
  const [first, second, third] = [
    await block("@a.example"),
    await block("@b.example"),
    await block("@c.example"),
  ];
  assert.equal(await rules.remove(second?.id ?? ""), true);
  assert.deepEqual(rules.list(), [third, first]);
});

test("only expired rules are removed, and each change is reported", async () => {
  const world = new FakeWorld();
  const { rules, clock } = world;
  const block = { action: "block", sender: "@a.example" } as const;
  const lasting = await rules.add(block, "socket");
  const over = await rules.add({ ...block, until: clock.now() + 1000 }, "socket");
  const later = await rules.add({ ...block, until: clock.now() + 1001 }, "socket");
  assert.equal(world.ruleChanges, 3);
  clock.advance(1000);
  await rules.forgetOver();
  assert.deepEqual(rules.list(), [later, lasting]);
  assert.equal(world.ruleChanges, 4);
  assert.equal(await rules.remove(over?.id ?? ""), false);
  assert.equal(world.ruleChanges, 4);
});

test("rules that expire together are reported as one change", async () => {
  const world = new FakeWorld();
  const { rules, clock } = world;
  const until = clock.now() + 1000;
  for (const sender of ["@a.example", "@b.example", "@c.example"])
    await rules.add({ action: "block", sender, until }, "socket");
  clock.advance(1000);
  await rules.forgetOver();
  assert.equal(world.ruleChanges, 4);
  await rules.forgetOver();
  assert.equal(world.ruleChanges, 4);
  assert.deepEqual(rules.list(), []);
});

test("if the store fails at the second of several expired rules, the first is gone and the others go later", async () => {
  const { rules, clock, storedRules } = new FakeWorld();
  const until = clock.now() + 1000;
  for (const sender of ["@a.example", "@b.example", "@c.example"])
    await rules.add({ action: "block", sender, until }, "socket");
  clock.advance(1000);
  const splice = storedRules.splice.bind(storedRules);
  let calls = 0;
  storedRules.splice = (...args: Parameters<typeof splice>) => {
    if (++calls === 2) throw new Error("the store is out of order");
    return splice(...args);
  };
  await assert.rejects(rules.forgetOver(), /out of order/);
  assert.equal(rules.list().length, 2);
  await rules.forgetOver();
  assert.deepEqual([rules.list().length, storedRules.length], [0, 0]);
});

test("a rule that the store refuses is not in force", async () => {
  const { rules, storedRules } = new FakeWorld();
  storedRules.push = () => {
    throw new Error("the store is out of order");
  };
  await assert.rejects(rules.add({ action: "block", helo: "x" }, "socket"), /out of order/);
  assert.deepEqual(rules.list(), []);
});

test("there are at most 10,000 rules", async () => {
  const { rules, storedRules } = new FakeWorld();
  for (let n = 0; n < 10_000; n++)
    storedRules.push({
      id: String(n),
      rule: { action: "block", sender: `${n}@a.example` },
      createdAt: 0,
      who: "x",
    });
  await rules.load();
  assert.equal(await rules.add({ action: "block", helo: "x" }, "socket"), undefined);
});

test("a rule whose commit failed is in force as soon as the store says that it is there, and only once", async () => {
  const world = new FakeWorld();
  const { rules, storedRules } = world;
  const push = storedRules.push.bind(storedRules);
  storedRules.push = (rule) => {
    push(rule);
    throw new Error("the store is out of order");
  };
  await assert.rejects(rules.add({ action: "block", helo: "x" }, "socket"), /out of order/);
  await rules.forgetOver();
  assert.deepEqual(rules.list(), [...storedRules]);
  assert.equal(world.ruleChanges, 1);
  await rules.forgetOver();
  assert.equal(world.ruleChanges, 1, "the rules are read again only once");
});

test("a rule whose removal failed is read again", async () => {
  const { rules, storedRules } = new FakeWorld();
  const rule = await rules.add({ action: "block", helo: "x" }, "socket");
  const splice = storedRules.splice.bind(storedRules);
  storedRules.splice = (...args: Parameters<typeof splice>) => {
    splice(...args);
    throw new Error("the store is out of order");
  };
  await assert.rejects(rules.remove(rule?.id ?? ""), /out of order/);
  assert.equal(rules.list().length, 1);
  await rules.forgetOver();
  assert.deepEqual(rules.list(), []);
});
