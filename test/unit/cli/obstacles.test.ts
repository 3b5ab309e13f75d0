import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST, queueEntry } from "../../support/admin-fakes.ts";
import { fits, toolWorld } from "../../support/tool-bench.ts";

test("what keeps a mail waiting is told with it: its primary, or a pause", async () => {
  await using tool = await toolWorld();
  const show = async (): Promise<string> => (await tool.run(["queue", "show", FIRST])).stdout;
  assert.match(await show(), /^Waits for: +mail\.example\.com:25, down for 3 h 12 min: connection refused$/m);
  assert.match((await tool.run(["trace", FIRST])).stdout, /^Waits for: +mail\.example\.com:25, down/m);
  fits(await show());
  const [domain, ...others] = tool.world.domains;
  tool.world.domains = [{ ...(domain as NonNullable<typeof domain>), paused: true }, ...others];
  assert.match(await show(), /^Waits for: +`holdfast domain resume example\.com`: deliveries are paused$/m);
  const [first] = tool.world.domains;
  tool.world.domains = [{ ...(first as NonNullable<typeof first>), pausedUntil: 4e12 }, ...others];
  assert.match(await show(), /^Waits for: +the end of the pause, 2096-/m);
  tool.world.domains = [domain as NonNullable<typeof domain>, ...others];
  const [primary] = tool.world.primaries;
  assert.ok(primary !== undefined);
  tool.world.primaries = [primary, Object.assign({}, primary, { destination: "10.1.1.1:25" })];
  assert.doesNotMatch(await show(), /10\.1\.1\.1/, "other mail was rerouted there");
  tool.world.primaries = [Object.assign({}, primary, { state: "up" as const })];
  assert.doesNotMatch(await show(), /Waits for/);
  tool.world.entries = [queueEntry({ route: "10.1.1.1:25" })];
  assert.match(await show(), /^Rerouted to: +10\.1\.1\.1:25$/m);
});

test("a mail for hundreds of domains is shown over fewer connections than the daemon takes", async () => {
  await using tool = await toolWorld();
  tool.world.entries = Array.from({ length: 600 }, (_, n) =>
    queueEntry({ n, recipient: `alice@d${n}.example`, domain: `d${n}.example` }),
  );
  const { code, stdout, stderr } = await tool.run(["queue", "show", FIRST]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(stdout, /^Recipient: +alice@d599\.example$/m);
});
